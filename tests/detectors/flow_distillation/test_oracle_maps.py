"""A detector's maps against loops: distance, likelihood, masks, absent modalities; levels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.scoring.calibration import GoodFigures
from dcrdf.scoring.finish import Finish

from . import binding, oracle, values
from .fitting import GRID, SIDE, fit, make_condition, make_scans, make_shown

USUAL_SHARE = 0.2


def scoring(**options):
    """A detector of random weights that has seen parts of a fifth of the image."""
    detector = binding.scrambled(binding.detector_of(**options))
    detector.network.eval()
    binding.set_usual_share(detector, USUAL_SHARE)
    return detector


def maps_of(detector, scans):
    """Joint, own maps by stream, (N, S, S)."""
    answer = detector.maps(scans.batch(binding.CPU, detector.options.needs()))
    return {name: x.double().numpy() for name, x in {**answer.joint, **answer.own}.items()}


def expected_maps(detector, shown):
    """By loops, of what each stream sees."""
    condition, maps = make_condition(detector), {}
    for name, images in shown.items():
        blocks = binding.blocks_of(binding.flow_in(detector, name))
        weights = binding.student_weights(binding.student_in(detector, name))
        maps[name] = []
        for x, mask in images:
            z, log_det = oracle.flow(blocks, x, condition)
            if detector.map_kind == "likelihood":
                floor = binding.floor_in(detector, name).item()
                maps[name].append(values.likelihood_map(z, log_det, mask, floor, SIDE))
            else:
                (learnt,) = oracle.student(weights, [x], condition)
                maps[name].append(values.distance_map(z, learnt, mask, SIDE))
    return {name: np.array(x) for name, x in maps.items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        np.testing.assert_allclose(found[name], x, rtol=1e-4, atol=1e-5 * x.max(), err_msg=name)


# Distance and likelihood --------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"mask": "all"}, {"depth_centre": "none"}], ids=str)
def test_maps_are_those_of_the_loops(options):
    detector, scans = scoring(**options), make_scans()
    expected = expected_maps(detector, make_shown(detector, scans, **options))
    assert (expected["joint"].min() == 0.0) == (options.get("mask") != "all")
    assert expected["rgb"].min() > 0.0
    assert_same(maps_of(detector, scans), expected)


def test_the_likelihoods_map_is_what_is_above_the_floor():
    detector, scans = scoring(), make_scans()
    detector.map_kind = "likelihood"
    shown = make_shown(detector, scans)
    condition = make_condition(detector)
    for name, images in shown.items():
        blocks = binding.blocks_of(binding.flow_in(detector, name))
        cells = [values.nll(*oracle.flow(blocks, x, condition)) / len(x) for x, _ in images]
        binding.floor_in(detector, name).fill_(float(np.median(cells)))
    expected = expected_maps(detector, shown)
    assert all((x == 0.0).any() and (x > 0.0).any() for x in expected.values())
    assert_same(maps_of(detector, scans), expected)


def test_floors_are_the_lowest_of_good_cells_that_count(tmp_path):
    detector, scans = binding.scrambled(binding.detector_of()), make_scans()
    fit(detector, scans, tmp_path)
    condition = make_condition(detector)
    for name, images in make_shown(detector, scans).items():
        blocks = binding.blocks_of(binding.flow_in(detector, name))
        passed = [(*oracle.flow(blocks, x, condition), mask) for x, mask in images]
        floor = binding.floor_in(detector, name).item()
        assert floor == pytest.approx(values.floor_of(passed), rel=1e-4), name
    detector.map_kind = "likelihood"
    assert all(x.min() >= 0.0 for x in maps_of(detector, make_scans(5)).values())


def test_folded_for_inference_maps_are_the_same():
    detector, scans = scoring(), make_scans()
    folded = maps_of(detector.for_inference(), scans)
    assert_same(folded, expected_maps(detector, make_shown(detector, scans)))


# Masks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "is_masked"), [(0.0, False), (0.019, False), (0.021, True)])
def test_a_part_that_is_not_there_does_not_pass(share, is_masked):
    """Below a tenth of the usual share every cell counts; the height's mean is still the part's."""
    detector, scans = scoring(), make_scans()
    part = np.zeros((len(scans), SIDE * SIDE), bool)
    part[:, : round(share * SIDE * SIDE)] = True
    scans = replace(scans, outline=part.reshape(-1, SIDE, SIDE))
    shown = make_shown(detector, scans)
    masks = values.trusted_masks(list(scans.outline), [USUAL_SHARE])
    assert (not masks[0].all()) == is_masked
    for name in ("joint", "depth"):
        pairs = zip(shown[name], masks, strict=True)
        shown[name] = [(x, values.cells(mask, GRID)) for (x, _), mask in pairs]
    assert_same(maps_of(detector, scans), expected_maps(detector, shown))


def test_the_usual_share_is_the_trainings_median(tmp_path):
    """A part of a tenth of it, and a little more or less."""
    scans = make_scans()
    shares = scans.outline.mean(axis=(1, 2))
    rows = np.array([0, 1, 3])
    detector = binding.detector_of()
    fit(detector, scans[rows], tmp_path)
    usual = np.median(shares[rows])
    part = np.zeros((2, SIDE * SIDE), bool)
    for one, share in zip(part, (0.09 * usual, 0.11 * usual), strict=True):
        one[: round(share * SIDE * SIDE)] = True
    shown = replace(scans[:2], outline=part.reshape(-1, SIDE, SIDE))
    lowest = maps_of(detector, shown)["depth"].min(axis=(1, 2))
    assert lowest[0] > 0.0
    assert lowest[1] == 0.0


# Absent modalities --------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["rgb", "depth"])
def test_without_a_modality_the_other_is_as_it_was(missing):
    detector, scans = scoring(), make_scans()
    (left,) = {"rgb", "depth"} - {missing}
    whole, found = maps_of(detector, scans), maps_of(detector, scans.without(missing))
    assert set(found) == {left}
    np.testing.assert_array_equal(found[left], whole[left])


# Standardised channels ----------------------------------------------------------------------------


def test_channels_are_standardised_by_the_cells_that_count(tmp_path):
    detector, scans = binding.detector_of(feature_norm="channel"), make_scans()
    fit(detector, scans, tmp_path)
    for name, images in make_shown(detector, scans).items():
        cells = [
            x[:, mask if mask is not None else np.ones((GRID, GRID), bool)] for x, mask in images
        ]
        of_good = np.concatenate(cells, axis=1)
        mean, spread = binding.standardised_by(detector, name)
        np.testing.assert_allclose(mean, of_good.mean(axis=1), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(spread, of_good.std(axis=1), rtol=1e-3, atol=1e-5)


def test_channels_stay_as_they_are_by_default(tmp_path):
    detector = binding.detector_of()
    fit(detector, make_scans(), tmp_path)
    for name in binding.STREAMS:
        mean, spread = binding.standardised_by(detector, name)
        assert not mean.any()
        assert (spread == 1.0).all()


# Levels -------------------------------------------------------------------------------------------


def masked_scans(shares, seed):
    """Noise on parts of these shares of the image, and a map that is silent beside them."""
    count, generator = len(shares), np.random.default_rng(seed)
    part = np.zeros((count, SIDE * SIDE), bool)
    for one, share in zip(part, shares, strict=True):
        one[: round(share * SIDE * SIDE)] = True
    part = part.reshape(count, SIDE, SIDE)
    scans = binding.scans_of(
        np.zeros((*part.shape, 3), np.uint8), generator.random(part.shape), part
    )
    noise = (1.0 + generator.random(part.shape)).astype(np.float32)
    own = {"rgb": torch.from_numpy(noise), "depth": torch.from_numpy(np.where(part, noise, 0.0))}
    return scans, Maps(own={name: x.float() for name, x in own.items()})


def test_a_part_that_is_a_little_larger_is_not_unusual():
    """The quietest quarter of a map that is silent on 26 % is silent, of one on 24 % it is not."""
    silent = scoring().silences_background
    good, good_maps = masked_scans([0.74] * 6, 1)
    shown, shown_maps = masked_scans([0.76, 0.5], 2)
    figures = GoodFigures.of(good_maps, good, 0.0, silent)
    calibration = figures.calibration()
    expected = max(
        values.level(x, part)
        for x, part in zip(good_maps.own["depth"].numpy(), good.outline, strict=True)
    )
    assert calibration.maps["depth"].highest_level == pytest.approx(expected, rel=0.01)
    done = Finish(InferOptions(fusion="peak_trust", blur_sigma_px=0.0), calibration, silent)(
        shown_maps, torch.from_numpy(shown.inside), None, torch.from_numpy(shown.outline)
    )
    for factor in done.unusual["depth"].tolist():
        assert 1.0 <= factor < 1.05
