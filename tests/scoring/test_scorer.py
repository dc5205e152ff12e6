"""Fusions, blur and image scores against plain arithmetic."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.errors import UserError
from dcrdf.judging.prediction import UNUSUAL
from dcrdf.scans.depth_counts import LEAST_NOISE, NEAR_PX, hole_shares, near_holes, noise_levels
from dcrdf.scoring.blur import gaussian_blur
from dcrdf.scoring.branch_statistics import (
    BranchFigures,
    BranchStatistics,
    image_levels,
    part_or_image,
)
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.depth_sensor import NOISE_TOLERATED, DepthReadings, DepthSensor
from dcrdf.scoring.fusions import Evidence
from dcrdf.scoring.fusions.peaks import PeakNorm, PeakTrust
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.trust import Trust
from dcrdf.tensors.scans import Scans

CPU = torch.device("cpu")
GENERATOR = np.random.default_rng(0)
RGB_MAPS = torch.from_numpy(GENERATOR.random((3, 16, 16)).astype(np.float32))
DEPTH_MAPS = torch.from_numpy((4 * GENERATOR.random((3, 16, 16)) + 1).astype(np.float32))
FOREGROUND = GENERATOR.random((3, 16, 16)) > 0.5


class FixedMaps:
    """A detector whose maps are given."""

    orientations = (0,)
    options = MemoryBankOptions()
    silences_background = frozenset()

    def for_inference(self):
        return self

    def to(self, _device):
        return self

    def maps(self, batch):
        given = {"rgb": RGB_MAPS, "depth": DEPTH_MAPS}
        return Maps(own={name: given[name][: len(batch)] for name in batch.images})


class MapsOf(FixedMaps):
    """A detector that gives these maps."""

    def __init__(self, maps):
        self.given = maps

    def maps(self, batch):
        return Maps(own=self.given)


SAMPLES = Scans(
    inside=np.ones((3, 16, 16), np.bool_),
    rgb=np.zeros((3, 16, 16, 3), np.uint8),
    height=np.zeros((3, 16, 16), np.float32),
    valid=np.ones((3, 16, 16), np.bool_),
    outline=FOREGROUND,
    on_part=FOREGROUND,
)


def statistics_of(maps, foreground, sigma_px, inside=None):
    """Statistics of all the maps."""
    inside = np.ones(maps.shape, bool) if inside is None else inside
    figures = BranchFigures.of_maps(maps, foreground, inside, sigma_px)
    return BranchStatistics.of(figures, np.arange(len(maps)))


def finished(scorer, own):
    """The verdict on own maps, with the depth sensor as usual."""
    shape = tuple(own["rgb"].shape)
    images = {"rgb": np.zeros((*shape, 3), np.uint8), "height": np.zeros(shape, np.float32)}
    return scorer.finish(Maps(own=own), Scans(inside=np.ones(shape, bool), **images), None)


def standardised(maps, inside):
    values = maps.numpy().astype(np.float64)
    return (values - values[inside].mean()) / values[inside].std()


def excess(maps):
    """Above the part's mean, in units of what the images' maxima are on average."""
    values = maps.numpy().astype(np.float64)
    mean = values[FOREGROUND].mean()
    return np.maximum(values - mean, 0) / (values.max(axis=(1, 2)).mean() - mean)


LOWER = {"rgb": 0.9, "depth": 0.5}
USUAL = DepthSensor(0.0, 0.0, 1.0, 0.01)
SENSOR = DepthSensor(0.02, 0.01, 0.25, 0.01)
NO_HOLES = torch.zeros(8, 32, 32, dtype=torch.bool)
EVERY_PIXEL = ~NO_HOLES


def loud(maps):
    """How much the lowest quarter's highest pixel exceeds that of images that calibrate."""
    levels = np.sort(maps.numpy().reshape(3, -1), axis=1)[:, 63]
    lower = LOWER["rgb" if maps is RGB_MAPS else "depth"]
    return np.maximum(levels / (levels.max() * lower), 1)[:, None, None]


def trusted(maps, other):
    factor = loud(maps) / np.minimum(loud(maps), loud(other))
    values = maps.numpy().astype(np.float64)
    mean = values[FOREGROUND].mean()
    unit = values.max(axis=(1, 2)).mean() - mean
    return np.maximum(values / factor - mean, 0) / unit / factor**2


def three_norm(one, other):
    return (one**3 + other**3) ** (1 / 3)


EVERYWHERE = np.ones_like(FOREGROUND)
EXPECTED = {
    "rgb": RGB_MAPS.numpy,
    "depth": DEPTH_MAPS.numpy,
    "avg": lambda: (RGB_MAPS.numpy() + DEPTH_MAPS.numpy()) / 2,
    "max": lambda: np.maximum(RGB_MAPS.numpy(), DEPTH_MAPS.numpy()),
    "zscore_sum": lambda: standardised(RGB_MAPS, EVERYWHERE) + standardised(DEPTH_MAPS, EVERYWHERE),
    "zscore_max": lambda: np.maximum(
        standardised(RGB_MAPS, FOREGROUND), standardised(DEPTH_MAPS, FOREGROUND)
    ),
    "peak_norm": lambda: three_norm(excess(RGB_MAPS), excess(DEPTH_MAPS)),
    "peak_trust": lambda: three_norm(trusted(RGB_MAPS, DEPTH_MAPS), trusted(DEPTH_MAPS, RGB_MAPS)),
}


def test_levels_on_the_part_of_images_without_one_are_the_images():
    inside = torch.ones(3, 2, 2, dtype=torch.bool)
    inside[:, 0, 0] = False
    part = torch.zeros_like(inside)
    part[0, 1, 1] = part[2, 0, 0] = True  # the last one lies in a bar
    found = part_or_image(part, inside)
    assert found[0].nonzero().tolist() == [[1, 1]]
    assert torch.equal(found[1:], inside[1:])


def test_maps_that_are_silent_beside_the_part_have_its_levels():
    maps = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    inside, part = np.ones((1, 4, 4), bool), np.zeros((1, 4, 4), bool)
    part[0, 2:] = True
    levels = [
        float(BranchFigures.of_maps(maps, part, inside, 0.0, is_silent_beside=x).levels[0])
        for x in (False, True)
    ]
    assert levels == [3.0, 9.0]


@pytest.mark.parametrize("fusion", list(EXPECTED))
def test_fusion(fusion):
    options = InferOptions(fusion=fusion, blur_sigma_px=0.0, batch_size=2)
    scorer, _ = Scorer.calibrate(FixedMaps(), options, SAMPLES, CPU)
    # Calibration runs in batches of two; the fixed maps repeat for the third sample.
    statistics = {
        "rgb": statistics_of(RGB_MAPS.numpy(), FOREGROUND, 0.0),
        "depth": statistics_of(DEPTH_MAPS.numpy(), FOREGROUND, 0.0),
    }
    if fusion == "peak_trust":  # as if good images were less loud, or nothing would be distrusted
        statistics = {
            name: replace(x, highest_level=LOWER[name] * x.highest_level)
            for name, x in statistics.items()
        }
    scorer = Scorer(FixedMaps(), options, Calibration(statistics, USUAL), CPU)
    prediction = scorer.score(SAMPLES)
    np.testing.assert_allclose(prediction.maps["fused"], EXPECTED[fusion](), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        prediction.scores["fused"], EXPECTED[fusion]().max(axis=(1, 2)), rtol=1e-4
    )


def test_top_share_score():
    options = InferOptions(fusion="avg", blur_sigma_px=0.0, score="top_share", top_share=0.1)
    prediction = Scorer(FixedMaps(), options, None, CPU).score(SAMPLES)
    flat = np.sort(EXPECTED["avg"]().reshape(3, -1), axis=1)[:, -26:]
    np.testing.assert_allclose(prediction.scores["fused"], flat.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, 0.7, 2.0, 4.0])
def test_blur_equals_scipys(sigma):
    maps = np.random.default_rng(1).random((2, 48, 40)).astype(np.float32)
    expected = maps if sigma == 0 else np.stack(
        [gaussian_filter(m.astype(np.float64), sigma, mode="mirror", truncate=4.0) for m in maps]
    )  # fmt: skip
    blurred = gaussian_blur(torch.from_numpy(maps), sigma).numpy()
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_constant_maps_have_a_usable_deviation():
    statistics = statistics_of(np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4), bool), 4.0)
    assert statistics.std > 0
    assert statistics.foreground_mean == 0.0


def test_peaks_are_those_of_the_blurred_maps():
    maps = np.random.default_rng(2).random((4, 32, 24)).astype(np.float32)
    statistics = statistics_of(maps, np.ones(maps.shape, bool), 2.0)
    blurred = [gaussian_filter(m.astype(np.float64), 2.0, mode="mirror") for m in maps]
    assert statistics.peak_mean == pytest.approx(np.mean([b.max() for b in blurred]), rel=1e-4)


def test_a_restless_branch_weighs_less():
    """What good parts show everywhere in one modality cannot hide a defect in the other."""
    generator = np.random.default_rng(3)
    calm = generator.normal(0, 0.1, (8, 32, 32)).astype(np.float32)
    restless = (generator.standard_t(1.5, (8, 32, 32))).astype(np.float32)
    inside = np.ones(calm.shape, bool)
    options = InferOptions(fusion="peak_norm", blur_sigma_px=0.0)
    statistics = {
        "rgb": statistics_of(calm, inside, 0.0),
        "depth": statistics_of(restless, inside, 0.0),
    }
    scorer = Scorer(FixedMaps(), options, Calibration(statistics, USUAL), CPU)
    raw = {"rgb": torch.from_numpy(calm).clone(), "depth": torch.from_numpy(restless).clone()}
    raw["rgb"][0, 5, 5] = 3.0
    fused = finished(scorer, raw).maps["fused"]
    assert np.unravel_index(fused[0].argmax(), fused[0].shape) == (5, 5)


@pytest.fixture
def good():
    """Maps of good images, (8, 32, 32) by branch, and what is usual of them."""
    generator = np.random.default_rng(4)
    maps = {
        name: torch.from_numpy(generator.uniform(0.9, 1.1, (8, 32, 32)).astype(np.float32))
        for name in ("rgb", "depth")
    }
    everywhere = np.ones((8, 32, 32), bool)
    return maps, {n: statistics_of(x.numpy(), everywhere, 0.0) for n, x in maps.items()}


def test_the_level_is_what_a_quarter_does_not_exceed():
    maps = torch.rand(5, 20, 30, generator=torch.Generator().manual_seed(0))
    expected = [np.sort(one.numpy().ravel())[149] for one in maps]
    np.testing.assert_array_equal(
        image_levels(maps, torch.ones_like(maps, dtype=torch.bool)).numpy(), expected
    )
    statistics = statistics_of(maps.numpy(), np.ones(maps.shape, bool), 0.0)
    assert statistics.highest_level == max(expected)


def fused_by_peaks(maps, statistics, readings=None):
    """The fused maps without and with trust."""
    calibration = Calibration(statistics, SENSOR)
    trust = calibration.trust(
        calibration.unusual(calibration.levels(maps, EVERY_PIXEL), readings), readings
    )
    return [fuse(kind, statistics, maps, {}, trust) for kind in (PeakNorm, PeakTrust)]


def fuse(kind, statistics, own, crossmodal, trust):
    """A fusion of blurred maps."""
    maps = Maps(own=own, crossmodal=crossmodal)
    return kind("", statistics)(Evidence(maps, maps, lambda x: x, trust, {}))


@pytest.mark.parametrize("covered", [0, 8, 16, 24])
def test_trust_changes_little_where_good_places_are_left(good, covered):
    """A defect of up to half of the image, however loud."""
    maps, statistics = good
    maps["rgb"][:, 4 : 4 + covered, 4:28] += 5.0
    plain, trusting = (x.flatten(1).amax(1) for x in fused_by_peaks(maps, statistics))
    assert (trusting > 0.8 * plain).all()


@pytest.mark.parametrize("branch", ["rgb", "depth"])
def test_a_modality_that_is_loud_everywhere_and_alone_hides_no_defect(good, branch):
    maps, statistics = good
    other = "depth" if branch == "rgb" else "rgb"
    images = {branch: 4.0 * maps[branch], other: maps[other].clone()}
    images[other][0, 5, 5] = 2.0
    plain, trusting = fused_by_peaks(images, statistics)
    assert plain[0].argmax() != 5 * 32 + 5
    assert trusting[0].argmax() == 5 * 32 + 5
    assert trusting[0].max() > 2.0 * trusting[1:].max()


def test_what_fills_the_image_in_both_modalities_counts_in_full(good):
    maps, statistics = good
    plain, trusting = fused_by_peaks({name: 3.0 * x for name, x in maps.items()}, statistics)
    torch.testing.assert_close(plain, trusting, rtol=0.1, atol=0.0)


def test_heights_with_many_holes_count_less(good):
    """A quarter of the image is the part; 2 % of the image are missing on good images at most."""
    maps, statistics = good
    maps["depth"][:, 8:12, 8:12] = 5.0  # what a filled hole looks like
    shares = torch.tensor([0.0, 0.02, 0.045, 0.145, 0.2, 0.0, 0.0, 0.0])
    readings = DepthReadings(shares, torch.zeros(8), torch.full((8,), 0.01), NO_HOLES)
    calibration = Calibration(statistics, SENSOR)
    unusual = calibration.unusual(calibration.levels(maps, EVERY_PIXEL), readings)
    np.testing.assert_allclose(unusual["depth"][:5], [1, 1, 2, 6, 8.2], rtol=1e-3)
    assert (unusual["rgb"] == 1).all()
    plain, trusting = (x.flatten(1).amax(1) for x in fused_by_peaks(maps, statistics, readings))
    torch.testing.assert_close(plain[:2], trusting[:2], rtol=0.01, atol=0.0)
    assert (trusting[2:4] < 0.2 * plain[2:4]).all()


def test_holes_on_the_part_count_where_shadows_beside_it_hide_them(good):
    maps, statistics = good
    on_part = torch.tensor([0.0, 0.01, 0.11, 0.51, 0.0, 0.0, 0.0, 0.0])
    readings = DepthReadings(torch.full((8,), 0.02), on_part, torch.full((8,), 0.01), NO_HOLES)
    calibration = Calibration(statistics, SENSOR)
    unusual = calibration.unusual(calibration.levels(maps, EVERY_PIXEL), readings)
    np.testing.assert_allclose(unusual["depth"][:4], [1, 1, 2, 6], rtol=1e-3)


def test_heights_that_are_much_noisier_than_good_ones_count_less(good):
    maps, statistics = good
    maps["depth"][:, 8:12, 8:12] = 5.0  # what a student makes of noise
    noise = 0.01 * torch.tensor([0.5, 1.0, NOISE_TOLERATED, 4.0, 20.0, 0.0, 0.0, 0.0])
    readings = DepthReadings(torch.zeros(8), torch.zeros(8), noise, NO_HOLES)
    calibration = Calibration(statistics, SENSOR)
    unusual = calibration.unusual(calibration.levels(maps, EVERY_PIXEL), readings)
    np.testing.assert_allclose(unusual["depth"][:5], [1, 1, 1, 2, 10], rtol=1e-3)
    assert (unusual["rgb"] == 1).all()
    plain, trusting = (x.flatten(1).amax(1) for x in fused_by_peaks(maps, statistics, readings))
    torch.testing.assert_close(plain[:3], trusting[:3], rtol=0.01, atol=0.0)
    assert trusting[4] < 0.2 * plain[4]


def test_places_near_a_hole():
    valid = np.ones((2, 40, 40), bool)
    valid[1, 20, 3] = False
    y, x = np.mgrid[:40, :40]
    expected = np.hypot(y - 20, x - 3) <= NEAR_PX
    found = near_holes(valid, np.ones_like(valid))
    assert not found[0].any()
    assert (found[1] != expected).mean() < 0.01  # a disc, but for its rim
    assert found[1, 20, 3 + NEAR_PX]
    assert not found[1, 20, 4 + NEAR_PX]


def test_filled_heights_count_for_nothing_where_the_sensor_missed_more_than_ever(good):
    maps, statistics = good
    maps["depth"][:, 8:12, 8:12] = 5.0  # what a filled hole looks like
    maps["depth"][:, 25, 25] = 4.0  # a defect that was measured
    near = NO_HOLES.clone()
    near[:, 4:16, 4:16] = True
    on_part = torch.tensor([0.0, 0.01, 0.0225, 0.035, 0.11, 0.0, 0.0, 0.0])
    readings = DepthReadings(torch.zeros(8), on_part, torch.full((8,), 0.01), near)
    _, everywhere = fused_by_peaks(maps, statistics, readings._replace(is_near_hole=NO_HOLES))
    _, fused = fused_by_peaks(maps, statistics, readings)
    kept = fused[:5, 10, 10] / everywhere[:5, 10, 10]
    np.testing.assert_allclose(kept[:2], 1.0)  # no more than good images miss: they may be trusted
    assert 0.4 < kept[2] < 0.6  # half of the way to being unusual
    np.testing.assert_allclose(kept[3:], 0.0, atol=0.1)
    assert torch.equal(fused[:, 25, 25], everywhere[:, 25, 25])


@pytest.mark.parametrize("branch", ["rgb", "depth"])
def test_a_modality_out_of_order_has_no_say_in_the_map_of_the_other(good, branch):
    """What it does to the other's crossmodal map would call good parts defective."""
    maps, statistics = good
    other = "depth" if branch == "rgb" else "rgb"
    asked = {name: x.flip(0) for name, x in maps.items()}
    every = statistics | {f"{name}_crossmodal": statistics[name] for name in maps}
    spoilt = asked | {other: 4.0 * asked[other]}
    unusual = {other: torch.ones(8)}

    def fused(factor, crossmodal):
        trust = Trust(unusual | {branch: torch.full((8,), factor)}, None)
        return fuse(PeakTrust, every, maps, crossmodal, trust)

    assert torch.equal(fused(1.0, asked), fuse(PeakNorm, every, maps, asked, None))
    assert not torch.equal(fused(1.0, asked), fused(1.0, {}))
    assert torch.equal(fused(UNUSUAL, asked), fused(UNUSUAL, spoilt))
    half_way = 0.5 * (1.0 + UNUSUAL)
    assert fused(half_way, asked).mean() < fused(half_way, spoilt).mean()
    assert fused(half_way, spoilt).mean() < 0.6 * fused(1.0, spoilt).mean()


@pytest.mark.parametrize("sigma", [0.003, 0.02, 0.1])
def test_noise_is_told_from_shape_defects_and_holes(sigma):
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96] / 96
    surface = 0.2 * np.sin(5 * x) + 0.5 * y**2 + 0.3 * (np.hypot(x - 0.5, y - 0.5) < 0.3)
    surface[20:30, 20:60] += generator.uniform(-1, 1, (10, 40))  # a rough defect
    depth = (surface + generator.normal(0.0, sigma, (2, 96, 96))).astype(np.float32)
    valid = np.ones(depth.shape, bool)
    depth[1, 50:70], valid[1, 50:70] = 0.0, False
    depth[:, :, 60:] = -1.0  # a table far below, clipped
    assert noise_levels(depth, valid) == pytest.approx(sigma, rel=0.25)
    assert noise_levels(depth.astype(np.float16), valid) == pytest.approx(sigma, rel=0.25)


def test_noise_where_nothing_was_measured_or_nothing_is_noisy():
    depth = np.zeros((2, 8, 8), np.float32)
    nowhere = np.zeros(depth.shape, bool)
    assert noise_levels(depth, nowhere).tolist() == [0.0, 0.0]
    readings = DepthReadings.of(
        Scans(inside=~nowhere, height=depth, valid=~nowhere, on_part=nowhere)
    )
    perfect = DepthSensor.of_good(readings, 1.0)
    assert perfect.highest_noise == pytest.approx(LEAST_NOISE)
    assert (perfect.factors(readings) == 1).all()


def test_holes_of_good_images():
    valid = np.ones((3, 10, 10), bool)
    valid[1, :3] = False
    foreground = np.zeros((3, 10, 10), bool)
    foreground[:, :5] = True
    depth = np.where(foreground, 0.5, -0.4).astype(np.float16)
    depth[1, 0] = -0.4  # filled from the table, so taken for it
    depth[2] = -0.4  # no part at all
    inside = np.ones_like(valid)
    sensor = DepthSensor.of_good(
        DepthReadings.of(Scans(inside=inside, height=depth, valid=valid, on_part=depth > 0)),
        float(foreground.mean()),
    )
    assert sensor == DepthSensor(
        pytest.approx(0.3), pytest.approx(20 / 40), 0.5, pytest.approx(LEAST_NOISE)
    )
    assert hole_shares(valid, inside).tolist() == pytest.approx([0, 0.3, 0])
    assert hole_shares(valid, depth > 0).tolist() == pytest.approx([0, 20 / 40, 0])


def test_predictions_say_how_unusual_an_image_is(good):
    maps, statistics = good
    calibration = Calibration(statistics, USUAL)
    scorer = Scorer(FixedMaps(), InferOptions(blur_sigma_px=0.0), calibration, CPU)
    unusual = finished(scorer, {"rgb": maps["rgb"], "depth": 2.0 * maps["depth"]}).unusual
    assert unusual["rgb"].max() == 1.0
    assert unusual["depth"].max() == pytest.approx(2.0, rel=1e-4)


def test_a_calibration_travels_as_json(good):
    calibration = Calibration(good[1], SENSOR)
    written = json.loads(json.dumps(calibration.to_dict()))
    assert Calibration.from_dict(written, ("rgb", "depth")) == calibration
    with pytest.raises(UserError, match="run `dcrdf infer` again"):
        Calibration.from_dict(written, ("rgb", "depth", "rgb_crossmodal", "depth_crossmodal"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("branch", ["rgb", "depth"])
def test_maps_that_are_no_numbers_are_refused(branch, value):
    """NaN is below every threshold, so it would be called good."""
    scorer = Scorer(FixedMaps(), InferOptions(fusion="avg"), None, CPU)
    maps = {"rgb": RGB_MAPS, "depth": DEPTH_MAPS}
    spoilt = maps[branch].clone()
    spoilt[1, 3, 4] = value
    with pytest.raises(UserError, match="NaN or infinity"):
        finished(scorer, {**maps, branch: spoilt})
    with pytest.raises(UserError, match="NaN or infinity"):
        Scorer(MapsOf({**maps, branch: spoilt}), scorer.options, None, CPU).raw_maps(SAMPLES)


INSIDE = np.zeros((3, 16, 16), bool)
INSIDE[:, 3:13] = True
FUSIONS = sorted(EXPECTED)


@pytest.mark.parametrize("score", ["max", "top_share"])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_a_letterbox_shows_in_its_bars_counts_for_nothing(fusion, score):
    """Neither in scores nor in levels, statistics, or readings of the sensor."""
    options = InferOptions(fusion=fusion, blur_sigma_px=0.0, score=score, top_share=0.05)
    seen = []
    for beyond in (0.0, 100.0):
        bars = torch.from_numpy(~INSIDE) * beyond
        detector = MapsOf({"rgb": RGB_MAPS + bars, "depth": DEPTH_MAPS + bars})
        height = np.where(INSIDE, SAMPLES.height, np.float32(beyond))
        valid = np.where(INSIDE, SAMPLES.valid, beyond > 0)
        samples = replace(
            SAMPLES, height=height, valid=valid, inside=INSIDE, on_part=FOREGROUND & INSIDE
        )
        scorer, of_good = Scorer.calibrate(detector, options, samples, CPU)
        found = scorer.score(samples)
        seen.append((scorer.describe(), found, of_good))
    (described, found, of_good), (described_too, found_too, of_good_too) = seen
    assert described == described_too
    for one, other in zip([found, *of_good], [found_too, *of_good_too], strict=True):
        for name in one.scores:
            np.testing.assert_array_equal(one.scores[name], other.scores[name])
            assert one.scores[name].max() < 50
            here = INSIDE[: len(one.maps[name])]
            np.testing.assert_array_equal(one.maps[name][here], other.maps[name][here])
        assert {k: v.tolist() for k, v in one.unusual.items()} == {
            k: v.tolist() for k, v in other.unusual.items()
        }


class OwnScores(FixedMaps):
    """A detector that has image scores of its own, and a joint map; it has no branches."""

    def maps(self, batch):
        scores = {"fused": torch.arange(len(batch), dtype=torch.float32)}
        return Maps(joint={"whole": RGB_MAPS[: len(batch)]}, scores=scores)


def test_a_detectors_own_image_scores_and_joint_map_stand():
    options = InferOptions(fusion="whole", blur_sigma_px=0.0, batch_size=3)
    scorer, of_good = Scorer.calibrate(OwnScores(), options, SAMPLES, CPU)
    assert [one.scores["fused"].item() for one in of_good] == [0.0, 1.0, 2.0]
    found = scorer.score(SAMPLES)
    assert set(found.maps) == set(found.scores) == {"fused"}
    assert found.scores["fused"].tolist() == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(found.maps["fused"], RGB_MAPS.numpy())
    assert scorer.describe()["statistics"].keys() == {"depth_sensor"}
