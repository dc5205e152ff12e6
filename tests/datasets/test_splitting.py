from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.datasets.sample import Sample
from dcrdf.datasets.splitting import (
    carve_own_validation,
    carve_validation,
    place_in_group,
    split_good,
)

NAMES = st.sets(st.text("abc019_", min_size=1, max_size=6), min_size=3, max_size=80)
WAYS = (split_good, carve_validation, carve_own_validation)


def samples_of(names: set[str]) -> list[Sample]:
    return [Sample("valve", "train", "good", name, Path(name)) for name in sorted(names)]


def splits_of(samples: list[Sample]) -> dict[str, str]:
    return {sample.name: sample.split for sample in samples}


@settings(max_examples=80, deadline=None)
@given(NAMES, st.randoms(use_true_random=False))
def test_splits_do_not_depend_on_the_order_of_files(names: set[str], random: object) -> None:
    samples = samples_of(names)
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for split in WAYS:
        plain = splits_of(split(samples))
        assert plain == splits_of(split(shuffled))
        assert set(plain) == names


@settings(max_examples=80, deadline=None)
@given(st.integers(7, 60), NAMES, st.sampled_from(["{:03d}", "IMG_{}", "part{}_left", "a{:05d}"]))
def test_old_scans_keep_their_split_whatever_comes(count: int, new: set[str], form: str) -> None:
    """Numbered scans fill every split from the start, so that none has to borrow."""
    old = {form.format(number) for number in range(count)}
    for split in (split_good, carve_own_validation):
        if split is carve_own_validation and count < 10:
            continue
        before, after = splits_of(split(samples_of(old))), splits_of(split(samples_of(old | new)))
        assert before == {name: after[name] for name in old}


@settings(max_examples=80, deadline=None)
@given(NAMES, NAMES)
def test_only_what_was_borrowed_goes_back(names: set[str], new: set[str]) -> None:
    before, after = (
        splits_of(split_good(samples_of(names))),
        splits_of(split_good(samples_of(names | new))),
    )
    moved = [name for name in names if before[name] != after[name]]
    at_home = {0: "test", 1: "validation"}
    for name in moved:
        home = at_home.get(place_in_group("valve", name, 7), "train")
        assert home in (before[name], after[name])
    assert len(moved) <= 2


@settings(max_examples=40, deadline=None)
@given(NAMES)
def test_no_split_is_empty(names: set[str]) -> None:
    assert set(splits_of(split_good(samples_of(names))).values()) == {"train", "validation", "test"}
    for carve in (carve_validation, carve_own_validation):
        assert set(splits_of(carve(samples_of(names))).values()) == {"train", "validation"}
    carved = Counter(splits_of(carve_validation(samples_of(names))).values())
    assert abs(carved["validation"] - 0.1 * len(names)) <= 1


@pytest.mark.parametrize("start", [0, 1, 500])
@pytest.mark.parametrize("count", [7, 28, 100, 126])
def test_numbered_scans_have_equal_shares(start: int, count: int) -> None:
    """Whole groups give one each; those cut at the ends may give one more or less."""
    names = {f"scan_{number:04d}" for number in range(start, start + count)}
    found = Counter(splits_of(split_good(samples_of(names))).values())
    for split in ("validation", "test"):
        assert abs(found[split] - count / 7) < 2


def test_names_without_numbers_have_their_shares_too() -> None:
    names = {f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvwx"}
    found = Counter(splits_of(split_good(samples_of(names))).values())
    for split in ("validation", "test"):
        assert abs(found[split] / len(names) - 1 / 7) < 0.05


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**17), st.text("xyz_", max_size=4), st.text("._-", max_size=3))
def test_a_group_of_numbers_has_every_place_once(number: int, head: str, tail: str) -> None:
    first = number // 7 * 7
    places = [place_in_group("a", f"{head}{first + step}{tail}", 7) for step in range(7)]
    assert sorted(places) == list(range(7))


def test_places_are_shuffled_between_groups_and_categories() -> None:
    orders = {
        tuple(place_in_group(category, str(first + step), 7) for step in range(7))
        for category in "ab"
        for first in range(0, 210, 7)
    }
    assert len(orders) > 50
