"""Splits for data sets that come without them: repeatable, and steady when files are added."""

from collections.abc import Sequence
from dataclasses import replace

from dcrdf.datasets.sample import Sample, Split
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of

VALIDATION_SHARE_OF_TRAIN = 0.10
VALIDATION_SHARE, TEST_SHARE = 0.15, 0.15


def carve_validation(train: Sequence[Sample]) -> list[Sample]:
    """Move 10 % of the training samples, at least one, to the validation split."""
    ordered = _by_hash(train)
    count = max(1, round(VALIDATION_SHARE_OF_TRAIN * len(ordered)))
    if count >= len(ordered):
        raise UserError(
            f"{train[0].rgb.parent}: {len(train)} training image(s) are too few to set one aside"
            " for validation; add images"
        )
    held_back = {sample.name for sample in ordered[:count]}
    return [
        replace(sample, split="validation") if sample.name in held_back else sample
        for sample in train
    ]


def split_good(good: Sequence[Sample]) -> list[Sample]:
    """Split good samples into train, validation and test: 70, 15 and 15 %, at least one each."""
    if len(good) < 3:
        raise UserError(
            f"{good[0].rgb.parent}: {len(good)} good image(s); at least 3 are needed for training,"
            " validation and test"
        )
    ordered = _by_hash(good)
    test_end = max(1, round(TEST_SHARE * len(ordered)))
    validation_end = test_end + max(1, round(VALIDATION_SHARE * len(ordered)))
    splits: dict[str, Split] = {}
    for rank, sample in enumerate(ordered):
        is_train, is_test = rank >= validation_end, rank < test_end
        splits[sample.name] = "train" if is_train else "test" if is_test else "validation"
    return [replace(sample, split=splits[sample.name]) for sample in good]


def _by_hash(samples: Sequence[Sample]) -> list[Sample]:
    """In an order that depends on each name alone: a new file moves only its neighbours' ranks."""
    return sorted(samples, key=lambda sample: (seed_of(sample.category, sample.name), sample.name))
