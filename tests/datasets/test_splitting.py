from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.datasets.sample import Sample
from dcrdf.datasets.splitting import carve_validation, split_good

NAMES = st.sets(st.text("abc019_", min_size=1, max_size=6), min_size=3, max_size=80)


def samples_of(names: set[str]) -> list[Sample]:
    return [Sample("valve", "train", "good", name, Path(name)) for name in sorted(names)]


@settings(max_examples=80, deadline=None)
@given(NAMES, st.randoms(use_true_random=False))
def test_splits_do_not_depend_on_the_order_of_files(names: set[str], random: object) -> None:
    samples = samples_of(names)
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for split in (split_good, carve_validation):
        plain = {s.name: s.split for s in split(samples)}
        assert plain == {s.name: s.split for s in split(shuffled)}
        assert set(plain) == names


@settings(max_examples=80, deadline=None)
@given(NAMES, st.text("xyz", min_size=1, max_size=5))
def test_one_more_file_moves_at_most_three(names: set[str], new: str) -> None:
    before = {s.name: s.split for s in split_good(samples_of(names))}
    after = {s.name: s.split for s in split_good(samples_of(names | {new}))}
    assert sum(after[name] != split for name, split in before.items()) <= 3


@settings(max_examples=40, deadline=None)
@given(NAMES)
def test_shares(names: set[str]) -> None:
    found = Counter(s.split for s in split_good(samples_of(names)))
    for split in ("validation", "test"):
        assert found[split] >= 1
        assert abs(found[split] - 0.15 * len(names)) <= 1
    assert found["train"] >= 1
    carved = Counter(s.split for s in carve_validation(samples_of(names)))
    assert carved["validation"] >= 1
    assert abs(carved["validation"] - 0.1 * len(names)) <= 1
