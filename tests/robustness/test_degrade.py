"""Degradations: as strong as they say, the same every time, and nothing else touched."""

import itertools
from typing import get_args

import cv2
import numpy as np
import pytest
from scipy import ndimage

from dcrdf.config.options import Degradation, PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.measure import part_of_scan
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.plane import Plane
from dcrdf.robustness.degrade import (
    ABSENT,
    EXPOSURE_GAIN,
    HOLE_SHARES,
    NOISE_SHARES,
    blur,
    degrade,
    kind_of,
)

NAMES = get_args(Degradation)
SPAN_M = 0.01
SIZE = 160
TABLE = TrainingPlane("part", Plane((0.0, 0.0, -1.0), 0.45))


@pytest.fixture(scope="module")
def scan() -> Scan:
    """A disc of 6 mm on a table, one point in fifty missing, noisy grey colours."""
    generator = np.random.default_rng(3)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    disc = np.hypot(x, y) < 0.3 * SIZE
    z = 0.45 - 0.006 * disc
    xyz = np.stack([x * 1e-3, y * 1e-3, z], axis=-1).astype(np.float32)
    xyz[generator.random(x.shape) < 0.02] = 0.0
    rgb = generator.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return Scan(rgb, xyz, disc & (x > 0))


@pytest.fixture(scope="module")
def part(scan):
    return part_of_scan(scan, PrepareOptions(image_size=64), TABLE)


def degraded(scan, part, name, seed=0):
    return degrade(scan, name, part, SPAN_M, np.random.default_rng(seed))


def test_the_part_is_found_at_the_scans_own_size(scan, part):
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    assert np.mean(part != (np.hypot(x, y) < 0.3 * SIZE)) < 0.01


def test_of_a_field_every_measured_point_is_inspected(scan):
    field = TrainingPlane("field", TABLE.plane)
    inspected = part_of_scan(scan, PrepareOptions(image_size=64), field)
    np.testing.assert_array_equal(inspected, scan.xyz.any(axis=2))


@pytest.mark.parametrize(("name", "share"), [("depth_holes_10", 0.1), ("depth_holes_30", 0.3),
                                             ("depth_holes_60", 0.6)])  # fmt: skip
def test_holes_take_their_share_of_the_part_and_nothing_else(scan, part, name, share):
    xyz = degraded(scan, part, name).xyz
    before, after = scan.xyz.any(axis=2), xyz.any(axis=2)
    gone = before & ~after
    assert HOLE_SHARES[name] == share
    assert gone.sum() == round(share * (before & part).sum())
    assert not (gone & ~part).any()
    np.testing.assert_array_equal(xyz[~gone], scan.xyz[~gone])
    np.testing.assert_array_equal(xyz[gone], 0.0)


def test_holes_are_blobs_and_grow(scan, part):
    gone = [
        scan.xyz.any(axis=2) & ~degraded(scan, part, name).xyz.any(axis=2) for name in HOLE_SHARES
    ]
    for smaller, larger in itertools.pairwise(gone):
        assert not (smaller & ~larger).any()
    # White noise of this share would have hundreds of pieces.
    closed = ndimage.binary_closing(gone[0], iterations=2)
    assert 1 <= ndimage.label(closed)[1] <= 20


@pytest.mark.parametrize("name", list(NOISE_SHARES))
def test_noise_is_as_wide_as_it_says_and_on_measured_distances_alone(scan, part, name):
    xyz = degraded(scan, part, name).xyz
    measured = valid_points(scan.xyz)
    np.testing.assert_array_equal(xyz[~measured], scan.xyz[~measured])
    np.testing.assert_array_equal(xyz[..., :2], scan.xyz[..., :2])
    noise_m = (xyz - scan.xyz)[..., 2][measured]
    expected_m = NOISE_SHARES[name] * SPAN_M
    assert noise_m.std() == pytest.approx(expected_m, rel=0.03)
    assert abs(noise_m.mean()) < 0.03 * expected_m


def test_overexposure_cuts_at_white(scan, part):
    rgb = degraded(scan, part, "rgb_overexposed").rgb
    bright = scan.rgb >= 255 / EXPOSURE_GAIN
    assert (rgb[bright] == 255).all()
    dark = scan.rgb[~bright].astype(float)
    assert np.abs(rgb[~bright] - EXPOSURE_GAIN * dark).max() <= 0.5


def test_blur_keeps_the_mean_and_takes_the_detail(scan, part):
    rgb = degraded(scan, part, "rgb_blurred").rgb
    assert rgb.mean() == pytest.approx(scan.rgb.mean(), abs=0.6)
    assert rgb.std() < 0.2 * scan.rgb.std()


def test_the_blur_is_measured_by_the_image():
    """The same picture at twice the size is blurred alike."""
    small = np.zeros((64, 64, 3), np.uint8)
    small[:, 32:] = 200
    large = cv2.resize(small, (128, 128), interpolation=cv2.INTER_NEAREST)
    difference = blur(large, 0.05)[1::2, 1::2].astype(int) - blur(small, 0.05)
    assert np.abs(difference).max() <= 12


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bits_and_the_input_is_left_alone(scan, part, name):
    before = scan.rgb.copy(), scan.xyz.copy()
    one, two = degraded(scan, part, name), degraded(scan, part, name)
    np.testing.assert_array_equal(one.xyz, two.xyz)
    np.testing.assert_array_equal(one.rgb, two.rgb)
    np.testing.assert_array_equal(scan.rgb, before[0])
    np.testing.assert_array_equal(scan.xyz, before[1])
    other = degraded(scan, part, name, seed=1)
    is_random = name in (*HOLE_SHARES, *NOISE_SHARES)
    assert np.array_equal(other.xyz, one.xyz) != is_random


@pytest.mark.parametrize("name", NAMES)
def test_the_other_modality_and_the_mask_stay(scan, part, name):
    found = degraded(scan, part, name)
    assert found.gt is scan.gt
    assert (found.rgb is scan.rgb) == (not name.startswith("rgb_") or name in ABSENT)
    assert (found.xyz is scan.xyz) == (not name.startswith("depth_") or name in ABSENT)


def test_levels_of_a_kind_share_their_kind():
    assert [kind_of(name) for name in NAMES] == [
        *["depth_holes"] * 3, *["depth_noise"] * 2, "depth_absent",
        "rgb_overexposed", "rgb_blurred", "rgb_absent",
    ]  # fmt: skip
