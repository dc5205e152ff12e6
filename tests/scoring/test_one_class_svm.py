"""The SVM's weights against its optimality conditions and a search over all directions."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.errors import UserError
from dcrdf.scoring.calibration import Calibration, GoodFigures
from dcrdf.scoring.finish import Finish
from dcrdf.scoring.one_class_svm import GoodPairs, Weights, balanced_weights, one_class_weights
from dcrdf.tensors.scans import Scans


def clouds():
    generator = np.random.default_rng(0)
    yield "noise", generator.random((200, 2))
    yield "loud", generator.gamma(2.0, [1.0, 3.0], (501, 2))
    yield "dependent", np.repeat(generator.random((40, 1)), 2, axis=1) * [1.0, 2.0]
    yield "few", generator.random((3, 2))
    yield "one", np.array([[0.3, 0.4]])
    yield "one silent", generator.random((50, 2)) * [1.0, 0.0]
    yield "equal", np.full((7, 2), 0.5)


def smallest_mean(values, w, nu):
    """The mean of w.x over the nu share where it is smallest."""
    ordered, left, total = np.sort(values @ w), nu * len(values), 0.0
    for x in ordered:
        total += min(left, 1.0) * x
        left -= min(left, 1.0)
    return total / (nu * len(values))


@pytest.mark.parametrize(("name", "values"), list(clouds()))
@pytest.mark.parametrize("nu", [0.5, 0.13, 1.0])
def test_weights_are_optimal(name, values, nu):
    """Strong duality: no direction has a larger margin than |w|, and w's own has just that."""
    w = one_class_weights(values, nu)
    length = np.linalg.norm(w)
    assert (w >= 0.0).all()
    assert smallest_mean(values, w, nu) == pytest.approx(length**2, rel=1e-8)
    angles = np.linspace(0.0, np.pi / 2.0, 721)
    best = max(smallest_mean(values, np.array([np.cos(a), np.sin(a)]), nu) for a in angles)
    assert best <= length * (1.0 + 1e-8)
    assert best >= length * (1.0 - 5e-3)  # a vertex may lie between two angles


def test_the_louder_map_would_win_and_balance_halves_them():
    values = np.random.default_rng(1).gamma(4.0, [0.25, 0.75], (4000, 2))
    w = one_class_weights(values)
    assert 0.2 < w[0] / w.sum() < 0.4
    shares = balanced_weights(values) * values.mean(axis=0)
    assert shares[0] / shares.sum() == pytest.approx(0.5, abs=0.03)
    scaled = balanced_weights(values * [10.0, 1.0])
    np.testing.assert_allclose(scaled * [10.0, 1.0], balanced_weights(values), rtol=1e-6)


def test_maps_without_values_weigh_something_finite():
    assert np.isfinite(balanced_weights(np.zeros((5, 2)))).all()


@pytest.fixture
def good():
    """Six good images and their maps; geometry says nothing beside the part."""
    generator = np.random.default_rng(2)
    part = np.zeros((6, 16, 16), bool)
    part[:, 4:12, 3:13] = True
    everywhere = np.ones(part.shape, bool)
    height = generator.random(part.shape).astype(np.float32)
    scans = Scans(inside=everywhere, height=height, valid=everywhere, outline=part, on_part=part)
    rgb, depth = generator.gamma(2.0, 1.0, (2, 6, 16, 16)).astype(np.float32)
    maps = Maps(own={"rgb": torch.from_numpy(rgb), "depth": torch.from_numpy(3 * depth * part)})
    return SimpleNamespace(scans=scans, maps=maps, part=part)


def options(**values):
    return InferOptions(**{"blur_sigma_px": 0.0, "fusion": "one_class_svm", **values})


def test_pixels_of_the_part_and_image_maxima_are_what_counts(good):
    figures = GoodFigures.of(good.maps, good.scans, 0.0, weighed=True)
    weights = figures.calibration().weights
    rgb, depth = (good.maps.own[name].numpy().astype(np.float64) for name in ("rgb", "depth"))
    pairs = np.stack([rgb[good.part], depth[good.part]], axis=1)
    np.testing.assert_allclose([weights.rgb, weights.depth], balanced_weights(pairs), rtol=1e-9)
    maxima = np.stack([rgb.max(axis=(1, 2)), depth.max(axis=(1, 2))], axis=1)
    given = [weights.image_rgb, weights.image_depth]
    np.testing.assert_allclose(given, balanced_weights(maxima), rtol=1e-9)
    done = Finish(options(score="one_class_svm"), figures.calibration())(
        good.maps, torch.from_numpy(good.scans.inside)
    )
    expected = weights.rgb * rgb + weights.depth * depth
    np.testing.assert_allclose(done.maps["fused"], expected, rtol=1e-5)
    by_maxima = maxima @ np.array(given)
    np.testing.assert_allclose(done.scores["fused"], by_maxima, rtol=1e-5)
    np.testing.assert_allclose(done.scores["rgb"], maxima[:, 0], rtol=1e-6)
    plain = Finish(options(), figures.calibration())(good.maps, torch.from_numpy(good.scans.inside))
    np.testing.assert_allclose(plain.scores["fused"], expected.max(axis=(1, 2)), rtol=1e-5)


def test_crossmodal_maps_are_taken_where_there_are_some(good):
    maps = Maps(own=good.maps.own, crossmodal={k: 2 * x for k, x in good.maps.own.items()})
    crossmodal = GoodPairs.of(maps, good.part, good.scans.inside).weights(np.arange(6))
    own = GoodPairs.of(good.maps, good.part, good.scans.inside).weights(np.arange(6))
    assert crossmodal.rgb == pytest.approx(own.rgb / 2)


def test_an_image_is_judged_by_weights_of_the_others_in_units_of_all(good):
    figures = GoodFigures.of(good.maps, good.scans, 0.0, weighed=True)
    everyone, held_out = figures.calibration().weights, figures.without(2).weights
    others = figures.pairs.weights(np.array([0, 1, 3, 4, 5]))
    assert held_out.rgb / held_out.depth == pytest.approx(others.rgb / others.depth)
    assert held_out.rgb * held_out.depth == pytest.approx(everyone.rgb * everyone.depth)
    images = held_out.image_rgb / held_out.image_depth
    assert images == pytest.approx(others.image_rgb / others.image_depth)


def test_weights_survive_json_and_are_there_only_where_asked(good):
    calibration = GoodFigures.of(good.maps, good.scans, 0.0, weighed=True).calibration()
    values = json.loads(json.dumps(calibration.to_dict()))
    assert Calibration.from_dict(values, ("rgb", "depth")).weights == calibration.weights
    plain = GoodFigures.of(good.maps, good.scans, 0.0).calibration()
    assert plain.weights is None
    assert set(plain.to_dict()) == {"rgb", "depth", "depth_sensor"}
    with pytest.raises(UserError, match="another version"):
        Calibration.from_dict({**values, "more": {}}, ("rgb", "depth"))
    with pytest.raises(ValueError, match="not finite"):
        Weights.from_dict({**calibration.weights.to_dict(), "rgb": "nan"})
