"""Findings about distances, heights, and missing points."""

import re

import numpy as np
import pytest

from dcrdf.files.images import read_xyz, write_xyz


def test_units_and_signs(root, good, check, details):
    write_xyz(good / "xyz" / "001.tiff", read_xyz(good / "xyz" / "001.tiff") * np.float32(10))
    found = details(check(root), "distance")
    assert re.search(r"4\.4\d m away, the others 0\.44\d m: another unit\?", found)
    assert "train/good/xyz/001.tiff" in found
    for path in root.rglob("*.tiff"):
        write_xyz(path, read_xyz(path) * np.float32([1, 1, -1]))
    report = check(root)
    assert "z is negative, as OpenGL's cameras have it" in details(report, "frame", "ok")
    assert "are these metres?" not in details(report, "distance")
    for path in root.rglob("*.tiff"):
        write_xyz(path, read_xyz(path) * np.float32([40, 40, -40]))
    assert "are these metres?" in details(check(root), "distance")


def test_much_missing_depth(root, good, check, details):
    xyz = read_xyz(good / "xyz" / "003.tiff")
    xyz[:, 8:] = np.nan
    write_xyz(good / "xyz" / "003.tiff", xyz)
    found = details(check(root), "missing depth")
    assert "87.7% at most" in found or "87.6% at most" in found
    assert "003.tiff" in found


@pytest.mark.parametrize("z_m", [65.535, float(np.finfo(np.float32).max)])
def test_numbers_for_no_measurement_are_counted(root, good, z_m, check, details):
    xyz = read_xyz(good / "xyz" / "002.tiff").copy()
    xyz[20:40, 20:40, 2] = z_m
    write_xyz(good / "xyz" / "002.tiff", xyz)
    report = check(root)
    found = details(report, "missing depth")
    assert "400 points farther than 50 m are taken as missing" in found
    assert "xyz/002.tiff" in found
    assert not details(report, "heights")


def test_absurd_heights_are_named(root, good, check, details):
    xyz = read_xyz(good / "xyz" / "002.tiff").copy()
    xyz[20:40, 20:40, 2] = 40.0
    write_xyz(good / "xyz" / "002.tiff", xyz)
    found = details(check(root), "heights")
    assert "heights span 35.1 m" in found
    assert found.count("xyz/") == 1
    assert "xyz/002.tiff" in found


def test_a_background_that_is_cut_off_is_named_as_the_cause(root, check, details):
    """Set to zero around the part, as research scripts do."""
    assert "background" not in details(check(root), "missing depth")
    for path in (root / "valve").rglob("xyz/*.tiff"):
        xyz = read_xyz(path).copy()
        xyz[np.hypot(*(np.mgrid[:64, :64] - 31.5)) > 23] = 0.0
        write_xyz(path, xyz)
    assert "is the background cut off already" in details(check(root), "missing depth")
