"""The curve on which the threshold's point moves, against counting pixels one by one."""

import numpy as np
import pytest
from scipy import ndimage

from dcrdf.report.explore.overlap import overlap_curve

LIMIT = 0.3


def made(seed=0, levels=None):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(5, 24, 24)).astype(np.float16)
    if levels:
        maps = (np.round(maps * levels) / levels).astype(np.float16)
    masks = np.zeros((5, 24, 24), bool)
    masks[0, 2:6, 3:9] = masks[0, 15:20, 15:20] = masks[1, 9, 9] = masks[2, :3, :4] = True
    masks[3, 5, 5] = masks[3, 6, 6] = True  # joined by a corner
    return maps, masks


@pytest.mark.parametrize("levels", [None, 2])
def test_every_point_is_what_counting_says(levels):
    maps, masks = made(levels=levels)
    curve = overlap_curve(maps, masks, LIMIT)
    regions = []
    for one, mask in zip(maps, masks, strict=True):
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        regions += [one[labels == label] for label in range(1, count + 1)]
    assert len(regions) == 5
    for threshold, flagged, covered in zip(*curve, strict=True):
        assert flagged == pytest.approx((maps[~masks] > threshold).mean(), abs=1e-6)
        shares = [(region > threshold).mean() for region in regions]
        assert covered == pytest.approx(np.mean(shares), abs=1e-5)


def test_it_goes_from_none_to_the_limit():
    thresholds, flagged, covered = overlap_curve(*made(), LIMIT)
    assert flagged[0] == 0.0
    assert LIMIT - 0.01 < flagged[-1] <= LIMIT
    for rising in (flagged, covered, [-x for x in thresholds]):
        assert (np.diff(rising) >= 0).all()


def test_both_zeros_are_one_value():
    maps, masks = made()
    maps = np.where(maps > 0, np.float16(0.0), np.float16(-0.0))
    maps[masks] = 1.0
    curve = overlap_curve(maps, masks, LIMIT)
    assert (curve.thresholds, curve.flagged, curve.covered) == ([0.0], [0.0], [1.0])


def test_without_a_region_there_is_none():
    maps, masks = made()
    assert overlap_curve(maps, np.zeros_like(masks), LIMIT) is None
    assert overlap_curve(maps, np.ones_like(masks), LIMIT) is None
