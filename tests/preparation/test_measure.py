from dataclasses import replace

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.measure import measure_scan
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.plane import Plane


def test_valid_is_finite_and_not_all_zero():
    points = np.array(
        [[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, -1, 0], [np.nan, 1, 1], [1, np.inf, 1], [-0.0, 0, 0]]
    )
    found = valid_points(points.reshape(1, 7, 3).astype(np.float32))
    assert found.tolist() == [[False, True, True, True, False, False, False]]


def test_a_disc_on_a_table(disc_scan, options):
    measured = measure_scan(disc_scan(), options)
    truth = disc_scan().rgb[..., 0] > 100
    assert measured.facts.native_size == (96, 120)
    assert measured.facts.plane_accepted
    assert not measured.facts.plane_replaced
    assert measured.facts.part_share == pytest.approx(truth.mean(), rel=0.1)
    assert measured.facts.missing_share == pytest.approx(0.02, abs=0.01)
    assert np.median(measured.surface_m[measured.part]) == pytest.approx(0.006, abs=2e-4)
    assert np.median(measured.surface_m[~measured.part]) == pytest.approx(0.0, abs=1e-4)
    assert np.isfinite(measured.surface_m).all()


@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_everything_has_the_networks_size(disc_scan, resize):
    options = PrepareOptions(image_size=64, resize=resize)
    measured = measure_scan(disc_scan(size=(40, 100)), options)
    for image in (measured.surface_m, measured.valid, measured.part, measured.gt):
        assert image.shape == (64, 64)
    assert measured.rgb.shape == (64, 64, 3)
    bars = np.ones((64, 64), np.bool_)
    bars[19:45] = False
    outside = measured.valid[bars].any()
    assert outside == (resize == "stretch")


def test_z_is_kept_as_it_is(disc_scan):
    scan = disc_scan()
    measured = measure_scan(scan, PrepareOptions(image_size=64, depth="z"))
    z = scan.xyz[..., 2]
    assert measured.surface_m.min() >= z[z > 0].min() - 1e-6
    assert measured.surface_m.max() <= z.max() + 1e-6
    assert measured.part.any()


def test_a_scan_without_a_plane_takes_the_given_one(disc_scan, options):
    scan = disc_scan()
    own = measure_scan(scan, options).facts.plane
    rubble = scan.xyz.copy()
    border = np.ones(rubble.shape[:2], np.bool_)
    border[4:-4, 4:-4] = False
    rubble[border] = np.random.default_rng(0).uniform(0.2, 0.9, (np.count_nonzero(border), 3))
    broken = replace(scan, xyz=rubble)
    assert not measure_scan(broken, options).facts.plane_accepted
    replaced = measure_scan(broken, options, TrainingPlane("part", own))
    assert replaced.facts.plane == own
    assert replaced.facts.plane_replaced
    assert np.median(replaced.surface_m[replaced.part]) == pytest.approx(0.006, abs=3e-4)
    kept = measure_scan(broken, options, TrainingPlane("field", own))
    assert not kept.facts.plane_replaced


def test_nothing_measured_at_all(options):
    scan = Scan(np.zeros((50, 60, 3), np.uint8), np.zeros((50, 60, 3), np.float32))
    training = TrainingPlane("part", Plane((0.0, 0.0, -1.0), 0.5))
    measured = measure_scan(scan, options, training)
    assert measured.facts.missing_share == 1.0
    assert measured.facts.plane_replaced
    assert not measured.valid.any()
    assert not measured.part.any()
    assert (measured.surface_m == 0.0).all()


def test_missing_marks_do_not_matter(disc_scan, options):
    scan = disc_scan()
    with_nan = scan.xyz.copy()
    with_nan[~valid_points(scan.xyz)] = np.nan
    one, two = (measure_scan(replace(scan, xyz=xyz), options) for xyz in (scan.xyz, with_nan))
    np.testing.assert_array_equal(one.surface_m, two.surface_m)
    np.testing.assert_array_equal(one.part, two.part)
    assert one.facts == two.facts
