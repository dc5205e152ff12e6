"""Distances and sizes of made-up scans."""

import numpy as np
import pytest

from dcrdf.preparation.extent import distance_of, size_of


def plate(width_m, height_m, z_m, side=80):
    """Points of a plate that fills the image, facing the camera."""
    y, x = np.mgrid[:side, :side] / (side - 1) - 0.5
    return np.stack([x * width_m, y * height_m, np.full_like(x, z_m)], axis=-1).astype(np.float32)


def everywhere(xyz):
    return np.ones(xyz.shape[:2], np.bool_)


def test_a_plate_is_measured_without_its_outermost_twentieths():
    xyz = plate(0.3, 0.4, 0.5)
    assert distance_of(xyz) == pytest.approx(0.5)
    assert size_of(xyz, everywhere(xyz)) == pytest.approx(0.9 * 0.5, rel=0.05)


@pytest.mark.parametrize("unit", [0.001, 0.1, 10.0, 100.0])
def test_a_unit_scales_both(unit):
    xyz = plate(0.3, 0.4, 0.5)
    where = everywhere(xyz)
    scaled = xyz * np.float32(unit)
    assert distance_of(scaled) == pytest.approx(unit * distance_of(xyz))
    assert size_of(scaled, where) == pytest.approx(unit * size_of(xyz, where), rel=1e-5)


def test_missing_points_and_stray_ones_do_not_count():
    xyz = plate(0.3, 0.4, 0.5)
    where = everywhere(xyz)
    where[::3] = False
    xyz[::3] = 0.0
    xyz[4, 4:40] = (9.0, 9.0, 9.0)
    assert distance_of(xyz) == pytest.approx(0.5)
    assert size_of(xyz, where) == pytest.approx(0.45, rel=0.06)


def test_a_part_of_few_pixels_is_measured_and_none_is_zero():
    xyz = plate(0.3, 0.4, 0.5)
    where = np.zeros(xyz.shape[:2], np.bool_)
    assert size_of(xyz, where) == 0.0
    where[41:43, 41:43] = True
    assert 0.0 < size_of(xyz, where) < 0.02
    assert distance_of(np.zeros_like(xyz)) == 0.0
