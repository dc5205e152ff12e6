"""How far an image's loudness explains its peak: against least squares done image by image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.errors import UserError
from dcrdf.scoring.branch_statistics import BranchFigures, BranchStatistics
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.depth_sensor import DepthSensor
from dcrdf.scoring.finish import Finish
from dcrdf.scoring.loudness import LEAST_IMAGES, Loudness

SENSOR = DepthSensor(0.0, 0.0, 1.0, 0.01)


def share_by_hand(levels, peaks):
    """Lines through all images but one, by numpy's own fit."""
    if len(levels) < LEAST_IMAGES:
        return 0.0
    by_line = by_mean = 0.0
    for left_out in range(len(levels)):
        others = np.arange(len(levels)) != left_out
        slope, start = np.polyfit(levels[others], peaks[others], 1)
        by_line += (peaks[left_out] - slope * levels[left_out] - start) ** 2
        by_mean += (peaks[left_out] - peaks[others].mean()) ** 2
    slope = np.polyfit(levels, peaks, 1)[0]
    return min(max(slope, 0.0), 1.0) if by_line < by_mean else 0.0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20), st.floats(-0.5, 2.0), st.floats(0.01, 1.0))
def test_the_share_is_that_of_lines_fitted_one_by_one(seed, count, slope, noise):
    generator = np.random.default_rng(seed)
    levels = generator.uniform(0.5, 1.5, count)
    peaks = slope * levels + noise * generator.standard_normal(count)
    found = Loudness.of(levels, peaks)
    assert found.share == pytest.approx(share_by_hand(levels, peaks), abs=1e-6)
    assert found.mean_level == pytest.approx(levels.mean())


def test_levels_that_say_nothing_of_peaks_explain_nothing():
    generator = np.random.default_rng(0)
    off = [
        Loudness.of(generator.uniform(0.5, 1.5, 16), generator.uniform(1.0, 2.0, 16)).share == 0.0
        for _ in range(200)
    ]
    assert np.mean(off) > 0.8
    assert Loudness.of(np.full(16, 0.7), generator.uniform(1.0, 2.0, 16)).share == 0.0
    falling = np.linspace(1.0, 2.0, 8)
    assert Loudness.of(falling, 5.0 - falling).share == 0.0


def test_nothing_is_excused_far_beyond_what_good_images_showed():
    levels = np.linspace(1.0, 2.0, 8)
    known = Loudness.of(levels, levels + 1.0)
    assert known.share == pytest.approx(1.0)
    found = known.surplus(torch.tensor([0.0, 1.0, 1.5, 2.0, 2.4, 2.5, 9.0])).tolist()
    assert found == pytest.approx([-1.5, -0.5, 0.0, 0.5, 0.9, 1.0, 1.0])


@pytest.mark.parametrize(
    "change",
    [{"share": 1.5}, {"share": float("nan")}, {"mean_level": 9.0}, {"highest_level": float("inf")}],
)
def test_values_out_of_range_are_refused(change):
    values = Loudness(1.0, 2.0, 0.5).to_dict()
    assert Loudness.from_dict(values) == Loudness(1.0, 2.0, 0.5)
    with pytest.raises(ValueError, match="out of range"):
        Loudness.from_dict(values | change)


def test_other_keys_are_of_another_version():
    values = Loudness(1.0, 2.0, 0.5).to_dict()
    with pytest.raises(UserError, match="another version"):
        Loudness.from_dict(values | {"slope": 1.0})


def restless(count, generator):
    """Maps (N, 24, 24) whose level differs from image to image, and their peaks with it."""
    level = generator.uniform(0.6, 1.4, (count, 1, 1))
    return (level + generator.uniform(0.0, 0.2, (count, 24, 24))).astype(np.float32)


def calibrated(maps):
    everywhere = np.ones(maps.shape, np.bool_)
    figures = BranchFigures.of_maps(maps, everywhere, everywhere, 0.0)
    statistics = BranchStatistics.of(figures, np.arange(len(maps)))
    return statistics, Loudness.of(figures.levels, figures.peaks)


def finished(fusion, good, shown):
    """Fused image scores of shown own maps by what is usual of good ones."""
    known = {name: calibrated(x) for name, x in good.items()}
    calibration = Calibration(
        {name: x[0] for name, x in known.items()},
        SENSOR,
        loudness={name: x[1] for name, x in known.items()},
    )
    finish = Finish(InferOptions(fusion=fusion, blur_sigma_px=0.0), calibration)
    maps = Maps(own={name: torch.from_numpy(x) for name, x in shown.items()})
    inside = torch.ones(shown["rgb"].shape, dtype=torch.bool)
    return finish(maps, inside).scores["fused"].numpy()


def test_a_defect_on_a_quiet_image_outranks_a_loud_good_image():
    generator = np.random.default_rng(2)
    good = {name: restless(16, generator) for name in ("rgb", "depth")}
    shown = {}
    for name, maps in good.items():
        order = maps.max(axis=(1, 2)).argsort()
        shown[name] = maps[order[[0, -1]]].copy()
    shown["rgb"][0, 5, 5] += 0.4
    quiet_defect, loud_good = finished("level_trust", good, shown)
    assert quiet_defect > 1.5 * loud_good
    quiet_defect, loud_good = finished("peak_trust", good, shown)
    assert quiet_defect < loud_good


def test_where_good_images_are_alike_it_is_the_trust_by_peaks():
    generator = np.random.default_rng(3)
    good = {
        name: (1.0 + generator.gamma(1.0, 0.1, (16, 24, 24))).astype(np.float32)
        for name in ("rgb", "depth")
    }
    assert all(calibrated(x)[1].share == 0.0 for x in good.values())
    by_level, by_peaks = (finished(x, good, good) for x in ("level_trust", "peak_trust"))
    np.testing.assert_array_equal(by_level, by_peaks)


def test_an_image_louder_than_any_good_one_in_both_still_stands_out():
    generator = np.random.default_rng(4)
    good = {name: restless(16, generator) for name in ("rgb", "depth")}
    shown = {name: np.concatenate([x, x[:1] + 2.0]) for name, x in good.items()}
    scores = finished("level_trust", good, shown)
    assert scores[-1] > 2.0 * scores[:-1].max()


def test_the_calibration_survives_json():
    generator = np.random.default_rng(5)
    statistics, loudness = calibrated(restless(16, generator))
    names = ("rgb", "depth")
    whole = Calibration(
        dict.fromkeys(names, statistics), SENSOR, loudness=dict.fromkeys(names, loudness)
    )
    assert Calibration.from_dict(whole.to_dict(), names) == whole
    lacking = whole.to_dict() | {"loudness": {"rgb": loudness.to_dict()}}
    with pytest.raises(UserError, match="another version"):
        Calibration.from_dict(lacking, names)
    plain = Calibration(dict.fromkeys(names, statistics), SENSOR)
    assert "loudness" not in plain.to_dict()
    assert Calibration.from_dict(plain.to_dict(), names) == plain
