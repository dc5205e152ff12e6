"""The detector around a tiny teacher: maps, absent modalities, chances, last batches of one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import CrdOptions
from dcrdf.config.options import InferOptions, TrainOptions
from dcrdf.detectors.crd.detector import Crd
from dcrdf.detectors.reverse_distillation.losses import cosine_distances, upsampled_mean
from dcrdf.modalities import OTHER
from dcrdf.scoring.scorer import Scorer
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import batch_features
from dcrdf.training.loop import FitContext

from .small import SmallTeacher, shape_of

CPU = torch.device("cpu")
SIDE, COUNT = 64, 5


def scans(seed=0):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (COUNT, 16, 16, 3), np.uint8)
    height = generator.random((COUNT, 16, 16)).astype(np.float32)
    everywhere = np.ones((COUNT, SIDE, SIDE), np.bool_)
    return Scans(
        inside=everywhere,
        valid=everywhere,
        outline=everywhere,
        on_part=everywhere,
        rgb=coarse.repeat(4, axis=1).repeat(4, axis=2),
        height=height.repeat(4, axis=1).repeat(4, axis=2),
    )


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    """A detector of any options after some epochs; batches of four and a last one of one."""

    def fit_options(given=None, signed=True, epochs=2, **options):
        torch.manual_seed(0)
        detector = Crd(SmallTeacher(shape_of(signed)), CrdOptions(**options))
        train = TrainOptions(epochs=epochs, batch_size=4, cpu_threads=1, schedule="exponential")
        context = FitContext(tmp_path_factory.mktemp("model"), 2, "", train, CPU)
        detector.fit(scans() if given is None else given, None, context)
        return detector, context

    return fit_options


@pytest.fixture(scope="module")
def fitted(fit):
    return fit()[0]


def maps_of(detector, kind, batch):
    detector.map_kind = kind
    try:
        return detector.maps(batch)
    finally:
        detector.map_kind = "raw"


@pytest.mark.parametrize("kind", ["crossmodal", "mapping"])
def test_maps_are_the_distances_that_they_are_called(fitted, kind):
    batch = scans(1).batch(CPU)
    answer = maps_of(fitted, kind, batch)
    features = batch_features(fitted.teacher, batch)
    with torch.no_grad():
        projected = fitted.network.project(features)
        own = fitted.network.own(features, {})
        for name, shown in features.items():
            mixed = fitted.network.branch(name)(shown, projected[name]).output
            for given, expected in (
                (answer.crossmodal[name], mixed if kind == "crossmodal" else projected[name][1]),
                (answer.own[name], own[name]),
            ):
                by_hand = upsampled_mean(cosine_distances(expected, shown), batch.size)
                torch.testing.assert_close(given, by_hand)


def test_raw_maps_are_the_own_ones_alone(fitted):
    batch = scans(1).batch(CPU)
    raw, both = maps_of(fitted, "raw", batch), maps_of(fitted, "crossmodal", batch)
    assert set(raw.all()) == {"rgb own", "depth own"}
    assert all(torch.equal(raw.own[name], x) for name, x in both.own.items())


@pytest.mark.parametrize("options", [{}, {"absent": "own"}, {"filter": "none"},
                                     {"amplifier": "none"}, {"mixing": "after"}])  # fmt: skip
def test_own_maps_never_read_the_other_modality_and_crossmodal_ones_do(fit, options):
    detector = fit(epochs=1, **options)[0]
    one = scans(1)
    others = {"rgb": replace(one, rgb=255 - one.rgb), "depth": replace(one, height=1 - one.height)}
    expected = maps_of(detector, "crossmodal", one.batch(CPU))
    for changed, given in others.items():
        left = OTHER[changed]
        found = maps_of(detector, "crossmodal", given.batch(CPU))
        assert torch.equal(found.own[left], expected.own[left])
        assert not torch.equal(found.own[changed], expected.own[changed])
        assert not torch.allclose(found.crossmodal[left], expected.crossmodal[left], atol=1e-3)
        alone = maps_of(detector, "crossmodal", one.batch(CPU).without(changed))
        assert set(alone.all()) == {f"{left} own"}
        torch.testing.assert_close(alone.own[left], expected.own[left], rtol=1e-4, atol=1e-5)


def test_maps_of_signed_features_are_not_cut(fitted):
    """Opposite features are 2 apart."""
    detector = fitted
    batch = scans(1).batch(CPU)
    with pytest.MonkeyPatch.context() as patch:
        opposite = lambda features, _: {k: [-x for x in v] for k, v in features.items()}  # noqa: E731
        patch.setattr(detector.network, "own", opposite)
        for x in maps_of(detector, "raw", batch).own.values():
            torch.testing.assert_close(x, torch.full_like(x, 2.0))


def test_without_assistants_a_branch_trains_as_if_it_were_alone(fit):
    given = scans()
    other = replace(given, height=given.height[::-1].copy())
    options = {"filter": "none", "amplifier": "none"}
    one, two = (fit(x, **options)[0].network for x in (given, other))
    pairs = {
        name: zip(getattr(one, name).parameters(), getattr(two, name).parameters(), strict=True)
        for name in ("rgb", "depth")
    }
    assert all(torch.equal(*pair) for pair in pairs["rgb"])
    assert not all(torch.equal(*pair) for pair in pairs["depth"])


def test_with_them_it_learns_from_the_other_modalitys_images(fit):
    given = scans()
    other = replace(given, height=given.height[::-1].copy())
    one, two = (fit(x)[0].network.rgb for x in (given, other))
    assert not all(torch.equal(*x) for x in zip(one.parameters(), two.parameters(), strict=True))


def test_students_see_absent_modalities_by_the_chance_asked_for(fit):
    """At 0 always both; at 1 always alone, and then nothing trains the mix."""
    never, always = (fit(modality_dropout=p)[1].losses for p in (0.0, 1.0))
    assert {"rgb_output", "depth_output"} <= set(never[0])
    assert not {"rgb_output", "depth_output"} & set(always[0])
    assert {"rgb_filter", "depth_amplifier"} <= set(always[0])
    detector = fit(modality_dropout=0.5, epochs=1)[0]
    drawn = [
        tuple(detector._alone(np.array([row]), epoch, 2)) for row in range(5) for epoch in range(20)
    ]
    assert {*drawn} == {(), ("rgb",), ("depth",), ("rgb", "depth")}
    assert drawn[0] == tuple(detector._alone(np.array([0, 4, 2]), 0, 2))


def test_losses_fall_and_the_mix_is_learnt(fit):
    detector, context = fit(epochs=8)
    first, last = context.losses[0], context.losses[-1]
    for name, value in first.items():
        if name != "epoch":
            assert last[name] < value
    mixing = detector.network.rgb.decoder.mixing
    assert not torch.equal(mixing, torch.ones_like(mixing))


def test_augmented_both_modalities_turn_alike(fit, monkeypatch):
    """Every training image and its height come in the same orientation."""
    seen = []
    whole = Scans.oriented

    def noting(self, orientations):
        shown = whole(self, orientations)
        seen.append((orientations.tolist(), shown))
        return shown

    monkeypatch.setattr(Scans, "oriented", noting)
    given = scans()
    grey = np.repeat((given.height * 255).astype(np.uint8)[..., None], 3, axis=-1)
    given = replace(given, rgb=grey, height=grey[..., 0] / np.float32(255))
    detector, _ = fit(given, augment="dihedral", epochs=1)
    assert list(detector.orientations) == list(range(8))
    assert {turn for turns, _ in seen for turn in turns} == set(range(8))
    for _, shown in seen:
        np.testing.assert_allclose(shown.rgb[..., 0] / 255, shown.height, atol=1e-6)


def test_zscores_are_of_unblurred_crossmodal_maps_of_validation(fitted):
    options = InferOptions(maps="crossmodal", fusion="zscore_sum", blur_sigma_px=2.0)
    scorer, _ = Scorer.calibrate(fitted, options, scans(3), CPU)
    raw = scorer.raw_maps(scans(3)).crossmodal
    for name in ("rgb", "depth"):
        found = scorer.calibration.maps[f"{name}_crossmodal"]
        values = raw[name].numpy().astype(np.float64)
        assert found.mean == pytest.approx(values.mean(), rel=1e-6)
        assert found.std == pytest.approx(values.std(ddof=0), rel=1e-6)


@pytest.mark.parametrize("fusion", ["avg", "product", "rgb_crossmodal", "depth_crossmodal"])
def test_fusions_of_crossmodal_maps(fitted, fusion):
    options = InferOptions(maps="mapping", fusion=fusion, blur_sigma_px=0.0)
    scorer, _ = Scorer.calibrate(fitted, options, scans(3), CPU)
    maps = {name: x.numpy() for name, x in scorer.raw_maps(scans(4)).crossmodal.items()}
    expected = {
        "avg": (maps["rgb"] + maps["depth"]) / 2,
        "product": maps["rgb"] * maps["depth"],
        "rgb_crossmodal": maps["rgb"],
        "depth_crossmodal": maps["depth"],
    }[fusion]
    found = scorer.score(scans(4))
    np.testing.assert_allclose(found.maps["fused"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.scores["fused"], expected.max(axis=(1, 2)), rtol=1e-4)
