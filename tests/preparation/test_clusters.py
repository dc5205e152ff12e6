import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.preparation.clusters import largest_cluster


def largest_by_flooding(xyz, mask, gap_m):
    """Oracle: cubes as a set, pieces by walking from cube to cube."""
    cubes = {}
    for place in zip(*np.nonzero(mask), strict=True):
        cube = tuple(np.floor(xyz[place].astype(np.float64) / (gap_m / 2)).astype(int))
        cubes.setdefault(cube, []).append(place)
    pieces, left = [], set(cubes)
    while left:
        waiting, piece = [left.pop()], []
        while waiting:
            cube = waiting.pop()
            piece += cubes[cube]
            near = {c for c in left if max(abs(a - b) for a, b in zip(c, cube, strict=True)) <= 1}
            left -= near
            waiting += near
        pieces.append(piece)
    return pieces


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0), spread=st.floats(0.005, 0.05))
def test_keeps_the_largest_piece(seed, share, spread):
    generator = np.random.default_rng(seed)
    xyz = generator.uniform(-spread, spread, (8, 9, 3)).astype(np.float32)
    mask = generator.random((8, 9)) < share
    kept = largest_cluster(xyz, mask, 0.006)
    pieces = largest_by_flooding(xyz, mask, 0.006)
    assert not (kept & ~mask).any()
    sizes = [len(piece) for piece in pieces]
    assert np.count_nonzero(kept) == max(sizes, default=0)
    held = {tuple(place) for place in np.argwhere(kept).tolist()}
    assert held in [{tuple(map(int, place)) for place in piece} for piece in pieces] or not held


def two_blobs(gap_m):
    """A plate of 20 x 12 points 1 mm apart and one of 20 x 6, so far apart."""
    y, x = np.mgrid[:20, :18] * 1e-3
    x[:, 12:] += gap_m - 1e-3
    return np.stack([x, y, np.full_like(x, 0.5)], axis=-1).astype(np.float32)


def test_two_blobs_are_one_when_near_and_two_when_far():
    mask = np.ones((20, 18), np.bool_)
    assert largest_cluster(two_blobs(0.0029), mask, 0.006).all()
    far = largest_cluster(two_blobs(0.015), mask, 0.006)
    np.testing.assert_array_equal(far, np.arange(18)[None, :].repeat(20, 0) < 12)


def test_distance_in_depth_counts():
    xyz = two_blobs(0.001)
    xyz[:, 12:, 2] += 0.015
    assert largest_cluster(xyz, np.ones((20, 18), np.bool_), 0.006).sum() == 240


def test_clouds_that_span_a_hundred_metres_do_not_overflow():
    xyz = two_blobs(0.001)
    xyz[0, 0] = 50.0
    xyz[1, 1] = -50.0
    kept = largest_cluster(xyz, np.ones((20, 18), np.bool_), 0.0005 * 5)
    assert kept.sum() == 20 * 18 - 2


def test_nothing_has_no_cluster():
    mask = np.zeros((4, 5), np.bool_)
    assert not largest_cluster(np.zeros((4, 5, 3), np.float32), mask, 0.006).any()
