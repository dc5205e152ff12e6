from dataclasses import replace

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.foreground import shaped
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.image import Finisher, prepare_scan
from dcrdf.preparation.normalise import PreparationConstants, normalise
from dcrdf.preparation.plane import fit_border_plane, height_above
from dcrdf.preparation.resize import place, resize_area, resize_nearest, resize_surface

PART = PreparationConstants("part", 0.0, 0.01, (0.0, 0.0, -1.0, 0.5))
FIELD = replace(PART, mode="field")


def finished(constants, options, surface_m, valid, part, size=(64, 64)):
    return Finisher(options, constants).depth(surface_m, valid, part, size)


def test_background_holes_of_a_part_take_the_plane(options):
    surface_m = np.full((64, 64), 0.005, np.float32)
    part = np.zeros((64, 64), np.bool_)
    part[20:40, 20:40] = True
    valid = np.ones((64, 64), np.bool_)
    valid[30, 30] = valid[5, 5] = False
    depth, foreground = finished(PART, options, surface_m, valid, part)
    assert depth[5, 5] == 0.0
    assert depth[30, 30] == depth[31, 31] == pytest.approx(0.5)
    np.testing.assert_array_equal(foreground, part)
    assert surface_m[5, 5] == np.float32(0.005)


def test_a_field_keeps_its_filled_holes_and_all_measured_pixels(options):
    surface_m = np.full((64, 64), -0.005, np.float32)
    valid = np.ones((64, 64), np.bool_)
    valid[5, 5] = False
    depth, foreground = finished(FIELD, options, surface_m, valid, np.zeros_like(valid))
    np.testing.assert_allclose(depth, -0.5)
    np.testing.assert_array_equal(foreground, valid)


def test_the_bars_of_a_letterbox_are_no_background_holes():
    options = PrepareOptions(image_size=64, resize="letterbox")
    valid = np.zeros((64, 64), np.bool_)
    valid[16:48] = True
    surface_m = np.full((64, 64), 0.005, np.float32)
    depth, _ = finished(PART, options, surface_m, valid, valid, (100, 200))
    np.testing.assert_allclose(depth, 0.5)


def test_prepare_scan_of_a_disc(disc_scan, options):
    image = prepare_scan(disc_scan(), options, PART)
    assert image.depth.dtype == np.float32
    assert np.median(image.depth[image.foreground]) == pytest.approx(0.6, abs=0.02)
    assert np.median(image.depth[~image.foreground]) == pytest.approx(0.0, abs=0.02)
    assert np.median(image.rgb[image.foreground]) == 180


def test_prepare_scan_without_depth(options):
    scan = Scan(np.full((50, 60, 3), 9, np.uint8), np.zeros((50, 60, 3), np.float32))
    for constants in (PART, FIELD):
        image = prepare_scan(scan, options, constants)
        assert (image.depth == 0.0).all()
        assert not image.valid.any()
        assert (image.rgb == 9).all()


@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_the_house_is_still_what_it_was_before_it_had_guests(disc_scan, resize):
    """The chain from before other papers' preparations, step by step and to the bit."""
    scan, options = disc_scan(), PrepareOptions(image_size=64, resize=resize)
    valid = valid_points(scan.xyz)
    fit = fit_border_plane(scan.xyz, valid, 0.0125, 0.005)
    height_m = height_above(fit.plane, scan.xyz)
    part = shaped((height_m > max(3.0 * fit.sigma_m, 0.002)) & valid, 0.01)
    placement = place(valid.shape, 64, resize)
    margins = [(placement.top, 64 - placement.top - placement.height), (0, 0)]
    resized_m, measured = resize_surface(height_m, valid, placement)
    surface_m = np.pad(fill_holes(resized_m, measured, "push_pull"), margins, mode="symmetric")
    holes = np.pad(~(measured | resize_nearest(part, placement)), margins)
    image = prepare_scan(scan, options, PART)
    np.testing.assert_array_equal(image.depth, normalise(np.where(holes, 0, surface_m), 0.0, 0.01))
    np.testing.assert_array_equal(image.valid, np.pad(measured, margins))
    np.testing.assert_array_equal(
        image.foreground, np.pad(resize_nearest(part, placement), margins)
    )
    colour = np.pad(resize_area(scan.rgb, placement), [*margins, (0, 0)], mode="symmetric")
    np.testing.assert_array_equal(image.rgb, colour)
    assert image.normals is None
