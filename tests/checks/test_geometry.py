"""Findings about mode and alignment."""

import numpy as np

from dcrdf.files.images import read_xyz, write_xyz


def test_shifted_depth_is_reported(root, check, details):
    for path in root.rglob("*.tiff"):
        write_xyz(path, np.roll(read_xyz(path), (0, 5), (0, 1)))
    assert "depth moved 5 px left" in details(check(root), "alignment")
    for path in root.rglob("*.tiff"):
        write_xyz(path, np.roll(read_xyz(path), (-6, -5), (0, 1)))
    assert "depth moved 6 px down" in details(check(root), "alignment")


def test_modes_are_judged(root, check, details):
    assert "set prepare.mode: part" in details(check(root, part_min_share=0.9), "mode")
    assert "field: " in details(check(root, mode="field"), "mode", "ok")
    found = details(check(root, mode="part", foreground_min_mm=50.0), "mode")
    assert "may be mixed up" in found
