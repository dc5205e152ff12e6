"""Splits for data sets that come without them.

Data sets that are published without a validation split are split by rank (`carve_validation`):
exact shares, the same for everyone. Own scans grow: there each scan's own name decides, so that
scans that come later leave the others where they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dcrdf.datasets.sample import SPLITS, Sample, Split
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of

VALIDATION_SHARE_OF_TRAIN = 0.10
ONE_IN = 7
"""Of so many good scans one is for test and one for validation."""
ONE_TRAINING_SCAN_IN = 10
"""Where there is a test split and none for validation."""


def carve_validation(train: Sequence[Sample]) -> list[Sample]:
    """Move 10 % of the training samples, at least one, to the validation split."""
    _check_carvable(train)
    ordered = sorted(train, key=lambda sample: (seed_of(sample.category, sample.name), sample.name))
    count = max(1, round(VALIDATION_SHARE_OF_TRAIN * len(ordered)))
    held_back = {sample.name for sample in ordered[:count]}
    return [
        replace(sample, split="validation") if sample.name in held_back else sample
        for sample in train
    ]


def carve_own_validation(train: Sequence[Sample]) -> list[Sample]:
    """The same for own scans: by each name alone."""
    _check_carvable(train)
    return _split_by_name(train, ONE_TRAINING_SCAN_IN, {0: "validation"})


def split_good(good: Sequence[Sample]) -> list[Sample]:
    """Split own good samples into train, validation and test: one of seven for test, one for
    validation, at least one each."""
    if len(good) < 3:
        raise UserError(
            f"{good[0].rgb.parent}: {len(good)} good image(s); at least 3 are needed for training,"
            " validation and test"
        )
    return _split_by_name(good, ONE_IN, {0: "test", 1: "validation"})


def _check_carvable(train: Sequence[Sample]) -> None:
    if len(train) < 2:
        raise UserError(
            f"{train[0].rgb.parent}: {len(train)} training image(s) are too few to set one aside"
            " for validation; add images"
        )


def _split_by_name(
    samples: Sequence[Sample], group: int, by_place: Mapping[int, Split]
) -> list[Sample]:
    """Each sample to the split of its place in its group, or to train.

    A split that gets none borrows one, which goes back when a sample comes whose own split it is:
    the only case in which an old sample moves.
    """
    splits = {
        sample.name: by_place.get(place_in_group(sample.category, sample.name, group), "train")
        for sample in samples
    }
    for split in (name for name in SPLITS if name in by_place.values() or name == "train"):
        if split not in splits.values():
            donor = max(SPLITS, key=list(splits.values()).count)
            category = samples[0].category
            names = [name for name, given in splits.items() if given == donor]
            splits[min(names, key=lambda name: (seed_of(category, name, split), name))] = split
    return [replace(sample, split=splits[sample.name]) for sample in samples]


def place_in_group(category: str, name: str, group: int) -> int:
    """A place from 0 to `group` - 1 that follows from the name alone.

    Names that end in numbers are grouped, 0 to `group` - 1 and so on, and the places within a group
    are shuffled: consecutive numbers have every place once. Other names have one by chance.
    """
    numbers = list(re.finditer("[0-9]{1,18}", name))
    if not numbers:
        return seed_of(category, name) % group
    start, end = numbers[-1].span()
    first = int(name[start:end]) // group * group
    order = sorted(
        range(first, first + group),
        key=lambda number: seed_of(category, name[:start], number, name[end:]),
    )
    return order.index(int(name[start:end]))
