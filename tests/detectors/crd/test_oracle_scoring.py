"""Fusion by z-scores of crossmodal maps, blur, sum and product, against numpy and scipy."""

import numpy as np
import pytest
import torch

from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.scoring.blur import gaussian_blur
from dcrdf.scoring.calibration import GoodFigures
from dcrdf.scoring.finish import Finish
from dcrdf.scoring.scorer import Scorer

from . import values
from .conftest import CPU, SIDE, make_scans

SIGMA_PX = 2.5
NAMES = ("rgb", "depth")


def random_maps(seed, count=4):
    """Unlike each other in mean and deviation, and beyond one."""
    generator = np.random.default_rng(seed)

    def kind(scale, shift):
        return {
            name: torch.from_numpy(
                (shift * k + scale / k * generator.random((count, SIDE, SIDE))).astype(np.float32)
            )
            for k, name in enumerate(NAMES, start=1)
        }

    return Maps(own=kind(0.3, 0.1), crossmodal=kind(1.2, 0.4))


def fused_map(fusion, answer, sigma_px=SIGMA_PX, maps="crossmodal"):
    """By statistics of other good maps, which are given back as arrays."""
    good = random_maps(1)
    options = InferOptions(maps=maps, fusion=fusion, blur_sigma_px=sigma_px)
    calibration = GoodFigures.of(good, make_scans(), sigma_px).calibration()
    inside = torch.ones((len(answer.own["rgb"]), SIDE, SIDE), dtype=torch.bool)
    done = Finish(options, calibration)(answer, inside)
    return done, calibration, arrays(good.crossmodal)


def arrays(maps):
    return {name: x.double().numpy() for name, x in maps.items()}


def test_statistics_are_of_all_pixels_of_unblurred_crossmodal_maps():
    _, calibration, good = fused_map("zscore_sum", random_maps(2))
    for name in NAMES:
        found = calibration.maps[f"{name}_crossmodal"]
        assert found.mean == pytest.approx(good[name].mean(), rel=1e-6)
        assert found.std == pytest.approx(good[name].std(ddof=0), rel=1e-6)
        assert found.std != pytest.approx(good[name].std(ddof=1), rel=1e-6)
        assert found.std != pytest.approx(values.blurred(good[name], SIGMA_PX).std(), rel=0.1)


def test_the_fused_map_is_the_blurred_sum_of_zscores_and_its_maximum_the_score():
    answer = random_maps(2)
    done, _, good = fused_map("zscore_sum", answer)
    expected = values.zscore_sum(arrays(answer.crossmodal), good, SIGMA_PX)
    np.testing.assert_allclose(done.maps["fused"], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(done.scores["fused"], expected.max(axis=(1, 2)), rtol=1e-4)


def test_blurring_the_sum_is_summing_what_is_blurred():
    """So that the paper's order, each branch's map first, gives the same map."""
    maps = arrays(random_maps(3).crossmodal)
    whole = values.blurred(maps["rgb"] + maps["depth"], SIGMA_PX)
    parts = sum(values.blurred(x, SIGMA_PX) for x in maps.values())
    np.testing.assert_allclose(whole, parts, atol=1e-12)
    found = gaussian_blur(torch.from_numpy(maps["rgb"] + maps["depth"]), SIGMA_PX)
    np.testing.assert_allclose(found, parts, atol=1e-5)


def test_a_plain_sum_ranks_as_the_mean():
    answer = random_maps(4)
    done, _, _ = fused_map("avg", answer)
    maps = arrays(answer.crossmodal)
    total = values.blurred(maps["rgb"] + maps["depth"], SIGMA_PX)
    np.testing.assert_allclose(done.maps["fused"], total / 2, rtol=1e-5, atol=1e-6)
    ranks = np.argsort(done.scores["fused"].numpy())
    np.testing.assert_array_equal(ranks, np.argsort(total.max(axis=(1, 2))))


def test_a_product_is_of_raw_maps():
    answer = random_maps(5)
    done, _, _ = fused_map("product", answer)
    maps = arrays(answer.crossmodal)
    expected = values.blurred(maps["rgb"] * maps["depth"], SIGMA_PX)
    np.testing.assert_allclose(done.maps["fused"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_one_branchs_crossmodal_map_as_it_is(name):
    answer = random_maps(6)
    done, _, _ = fused_map(f"{name}_crossmodal", answer)
    expected = values.blurred(arrays(answer.crossmodal)[name], SIGMA_PX)
    np.testing.assert_allclose(done.maps["fused"], expected, rtol=1e-5, atol=1e-6)


def test_the_detectors_maps_go_through_the_same(crd):
    detector = crd.detector("signed")
    good, shown = make_scans(0), make_scans(1)
    options = InferOptions(maps="crossmodal", fusion="zscore_sum", blur_sigma_px=SIGMA_PX)
    scorer, _ = Scorer.calibrate(detector, options, good, CPU)
    detector.map_kind = "crossmodal"
    answers = [arrays(detector.maps(scans.batch(CPU)).crossmodal) for scans in (good, shown)]
    expected = values.zscore_sum(answers[1], answers[0], SIGMA_PX)
    found = scorer.score(shown)
    np.testing.assert_allclose(found.maps["fused"], expected, rtol=5e-3, atol=1e-2)
    for name in NAMES:
        statistics = scorer.calibration.maps[f"{name}_crossmodal"]
        assert statistics.mean == pytest.approx(answers[0][name].mean(), rel=1e-3)
        assert statistics.std == pytest.approx(answers[0][name].std(), rel=1e-3)


@pytest.mark.parametrize("missing", NAMES)
def test_with_one_modality_the_fused_map_is_the_others_own(crd, missing):
    detector = crd.detector("signed")
    options = InferOptions(maps="crossmodal", fusion="zscore_sum", blur_sigma_px=SIGMA_PX)
    scorer, _ = Scorer.calibrate(detector, options, make_scans(0), CPU)
    (name,) = set(NAMES) - {missing}
    shown = make_scans(1)
    own = arrays(detector.maps(shown.batch(CPU)).own)[name]
    found = scorer.score(shown.without(missing)).maps["fused"]
    np.testing.assert_allclose(found, values.blurred(own, SIGMA_PX), rtol=1e-3, atol=1e-3)
