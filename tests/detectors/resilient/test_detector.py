"""Own maps, crossmodal ones and stand-ins of fitted detectors, held to distances by hand."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import ResilientOptions
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.base import build_detector
from dcrdf.detectors.resilient import point_groups
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file
from dcrdf.networks.geometry.point_transformer import PointTransformer
from dcrdf.training.loop import FitContext

from ..conftest import shown_to

CPU = torch.device("cpu")
KINDS = ["resilient", "resilient_student"]
TINY = {
    "select": "kmeans",
    "bank_size": 32,
    "sampled_max": 400,
    "transfer_steps": 10,
    "transfer_hidden": 8,
}


def asking(detector, stand_ins="never", kind="raw"):
    """A copy of a detector that is asked for such maps."""
    copy = detector.for_inference()
    copy.stand_ins, copy.map_kind = stand_ins, kind
    return copy


def batch_of(detector, samples):
    return shown_to(detector, samples).batch(CPU, detector.options.needs())


def pierced(detector, samples):
    """Scans with a hole in the geometry of the part."""
    shown = shown_to(detector, samples)
    hole = np.zeros(samples.valid.shape, bool)
    hole[:, 24:40, 28:44] = True
    points = None if shown.points is None else np.where(hole[..., None], 0, shown.points)
    return replace(shown, valid=shown.valid & ~hole, points=points), hole


@pytest.fixture
def fit_own(teacher, samples, tmp_path):
    """Fit a detector with options of its own."""

    def fit_with(**values):
        given = {**TINY, **values}
        if given.get("select") == "random":
            given.pop("sampled_max")
        options = ResilientOptions.parse(given, "options")
        detector = build_detector("resilient", teacher, options)
        said = []
        context = FitContext(tmp_path, 1, "", TrainOptions(cpu_threads=1), CPU, say=said.append)
        detector.fit(shown_to(detector, samples), None, context)
        return detector, said

    return fit_with


def poisoned(batch, modality):
    """A batch whose other modality is not to be believed."""
    if modality == "rgb":
        return replace(batch, rgb=batch.rgb * torch.nan)
    changed = {name: getattr(batch, name) for name in ("surface", "points")}
    changed = {name: None if x is None else x + 1e3 for name, x in changed.items()}
    return replace(batch, **changed, outline=~batch.outline, valid=~batch.valid)


@pytest.mark.parametrize("variety", KINDS)
@pytest.mark.parametrize("absent", ["rgb", "depth"])
def test_an_absent_modality_has_no_influence(fit, samples, variety, absent):
    detector = asking(fit(variety)[0], "always", "crossmodal")
    batch = batch_of(detector, samples)
    alone = detector.maps(batch.without(absent)).all()
    assert set(alone) == {f"{'depth' if absent == 'rgb' else 'rgb'} own", "rgb crossmodal",
                          "depth crossmodal"}  # fmt: skip
    bad = detector.maps(poisoned(batch, absent).without(absent)).all()
    assert all(torch.equal(x, bad[name]) for name, x in alone.items())


@pytest.mark.parametrize("variety", KINDS)
def test_own_maps_never_read_the_other_modality(fit, samples, variety):
    for stand_ins, kind in (("never", "raw"), ("holes", "raw"), ("always", "crossmodal")):
        detector = asking(fit(variety)[0], stand_ins, kind)
        batch = batch_of(detector, samples)
        both = detector.maps(batch)
        assert bool(both.crossmodal) == (stand_ins != "never")
        for name, absent in (("rgb", "depth"), ("depth", "rgb")):
            alone = detector.maps(batch.without(absent)).own[name]
            torch.testing.assert_close(both.own[name], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variety", KINDS)
def test_geometry_says_nothing_off_the_part(fit, samples, variety):
    own = asking(fit(variety)[0]).maps(batch_of(fit(variety)[0], samples)).own
    far = ~np.hypot(*(np.mgrid[:64, :64] - 31.5)).astype(int) < -32
    assert own["depth"][:, far].max() == 0.0
    assert own["rgb"][:, far].max() > 0.0


def nearest_by_hand(rows, bank):
    return np.sqrt(((rows[:, None].astype(np.float64) - bank[None]) ** 2).sum(axis=2)).min(axis=1)


def test_a_hole_takes_the_stand_ins_distance_on_the_scale_of_geometry(fit, samples):
    detector = asking(fit("resilient")[0], "holes")
    shown, hole = pierced(detector, samples)
    batch = shown.batch(CPU, detector.options.needs())
    seen = detector.features.scaled(detector._seen(batch))
    filled, empty = (one.maps(batch) for one in (detector, asking(fit("resilient")[0], "never")))
    assert not empty.crossmodal
    assert torch.equal(filled.own["depth"], empty.own["depth"])
    assert torch.equal(filled.crossmodal["rgb"], filled.own["rgb"])
    far = np.hypot(*(np.mgrid[:64, :64] - 31.5)) > 33.0
    assert not filled.crossmodal["depth"][:, far].any()  # beside the part nothing is missing
    middle = (slice(None), 32, 36)  # a place's middle, far from the hole's border
    assert hole[middle].all()
    assert not seen.given[:, 8, 9].any()
    assert seen.on_part[:, 8, 9].all()
    stand_in = detector.stand_in
    told = stand_in.told("depth", seen.features["rgb"][:, 6:10, 7:11].flatten(0, 2)).numpy()
    bank = stand_in.banks["depth"].patches.float().numpy()
    expected = nearest_by_hand(told, bank).reshape(-1, 4, 4) * float(stand_in.hole_scale)
    places = torch.nn.functional.avg_pool2d(filled.crossmodal["depth"][:, None], 2)
    near = places[:, 0, 14:18, 16:20].numpy()  # half a place: weights 9, 3, 3, 1 of 16
    by_hand = np.stack(
        [(9 * expected[:, 1 + a, 1 + b] + 3 * expected[:, 1 + a, 1 + b + 2 * d - 1]
          + 3 * expected[:, 1 + a + 2 * c - 1, 1 + b]
          + expected[:, 1 + a + 2 * c - 1, 1 + b + 2 * d - 1]) / 16
         for a in (0, 1) for c in (0, 1) for b in (0, 1) for d in (0, 1)], axis=1
    ).reshape(-1, 4, 4)  # fmt: skip
    np.testing.assert_allclose(near, by_hand, rtol=1e-3)


def test_the_scale_of_holes_is_that_of_good_places_that_no_bank_holds(fit, samples):
    detector = fit("resilient")[0]
    seen = detector._seen(batch_of(detector, samples))
    rows = {name: x[seen.given] for name, x in seen.features.items()}
    rows = {
        name: detector.features.scales[name](x.half().float()).half().float().numpy()
        for name, x in rows.items()
    }
    told = detector.stand_in.told("depth", torch.from_numpy(rows["rgb"])).numpy()
    banks = (detector.banks.banks["depth"], detector.stand_in.banks["depth"])
    of_geometry, stood_in = (
        nearest_by_hand(x, bank.patches.float().numpy())
        for x, bank in zip((rows["depth"], told), banks, strict=True)
    )
    expected = of_geometry[of_geometry > 1e-4].mean() / stood_in[stood_in > 1e-4].mean()
    assert float(detector.stand_in.hole_scale) == pytest.approx(expected, rel=2e-2)
    assert abs(np.log(expected)) > 0.1


@pytest.mark.parametrize("absent", ["rgb", "depth"])
def test_a_stand_in_is_compared_with_stand_ins_of_good_parts(fit, samples, absent):
    detector = asking(fit("resilient")[0], "always")
    present = "depth" if absent == "rgb" else "rgb"
    batch = batch_of(detector, samples).without(absent)
    seen = detector.features.scaled(detector._seen(batch))
    rows = seen.features[present]
    where = torch.ones(rows.shape[:3], dtype=torch.bool) if seen.given is None else seen.given
    told = detector.stand_in.told(absent, rows[where]).numpy()
    bank = detector.stand_in.banks[absent].patches.float().numpy()
    expected = torch.zeros(rows.shape[:3])
    expected[where] = torch.from_numpy(nearest_by_hand(told, bank)).float()
    found = detector.maps(batch)
    upsampled = torch.nn.functional.interpolate(
        expected[:, None], (64, 64), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(found.crossmodal[absent], upsampled[:, 0], rtol=1e-3, atol=1e-3)
    assert torch.equal(found.crossmodal[present], found.own[present])
    asked_in_holes = asking(fit("resilient")[0], "holes").maps(batch)
    assert not asked_in_holes.crossmodal


def test_crossmodal_maps_add_what_the_other_does_not_explain(fit, samples):
    plain, detector = (asking(fit("resilient")[0], "never", kind) for kind in ("raw", "crossmodal"))
    batch = batch_of(detector, samples)
    seen = detector.features.scaled(detector._seen(batch))
    rows = {name: x[seen.given] for name, x in seen.features.items()}
    own, found = plain.maps(batch).own, detector.maps(batch).crossmodal
    for name, other in (("rgb", "depth"), ("depth", "rgb")):
        residual = torch.zeros(seen.given.shape)
        told = detector.stand_in.told(name, rows[other])
        residual[seen.given] = (rows[name] - told).square().sum(dim=1).sqrt()
        added = torch.nn.functional.interpolate(
            residual[:, None], (64, 64), mode="bilinear", align_corners=False
        )[:, 0]
        torch.testing.assert_close(found[name], own[name] + added, rtol=1e-4, atol=1e-4)


def test_a_remembered_place_is_at_no_distance(fit_own, samples):
    detector, _ = fit_own(
        bank_precision="float32", select="random", bank_size=10**6, transfer="none"
    )
    maps = detector.maps(batch_of(detector, samples))
    assert len(detector.banks.banks["rgb"].patches) == 6 * 16 * 16
    for values in maps.own.values():
        assert values.max() < 1e-2  # chunks of other sizes differ in the last digits
    other = detector.maps(batch_of(detector, replace(samples, rgb=255 - samples.rgb)))
    assert other.own["rgb"].max() > 0.1


def test_banks_hold_the_places_that_queries_will_be_like(fit_own, samples):
    """The bank of geometry's stand-in holds all places, those of geometry the part's; a student's
    holds what is shown complete beside what is shown alone."""
    everything = {"select": "random", "bank_size": 10**6}
    detector, _ = fit_own(**everything)
    given = int(detector._seen(batch_of(detector, samples)).given.sum())
    places = 6 * 16 * 16
    assert 0 < given < places

    def sizes(banks):
        return {name: len(bank.patches) for name, bank in banks.items()}

    assert sizes(detector.banks.banks) == {"rgb": places, "depth": given}
    assert sizes(detector.stand_in.banks) == {"rgb": given, "depth": places}
    student, _ = fit_own(**everything, transfer="joint", bank_features="student")
    assert sizes(student.banks.banks) == {"rgb": places + given, "depth": 2 * given}


def test_scales_are_one_number_for_all_channels(fit, samples):
    detector = fit("resilient")[0]
    raw = detector._seen(batch_of(detector, samples))
    for name in ("rgb", "depth"):
        values = raw.features[name] if name == "rgb" else raw.features[name][raw.given]
        scale = detector.features.scales[name]
        assert scale.mean.item() == pytest.approx(values.mean().item(), rel=1e-2, abs=1e-2)
        spread = values.double().std().item()
        assert scale.deviation.item() == pytest.approx(spread, rel=1e-2)


@pytest.mark.parametrize(
    "values",
    [
        {"geometry": "structure"},
        {"geometry": "structure", "sampling": "voxel"},
        {"geometry": "structure", "sampling": "fixed", "edge_share": 0.0},
        {"sampling": "voxel", "transfer": "none"},
        {"fpfh_grid": "full", "transfer": "none"},
        {"stages": [3], "grid": "quarter", "select": "random"},
    ],
)
def test_other_geometries_and_grids(fit_own, samples, values):
    detector, said = fit_own(**values)
    answer = detector.maps(batch_of(detector, samples))
    for maps in answer.own.values():
        assert maps.shape == samples.height.shape
        assert torch.isfinite(maps).all()
        assert maps.max() > 0.0
    threshold = getattr(detector.features.describer.fewer, "edge_threshold")  # noqa: B009
    assert bool(torch.isfinite(threshold)) == ("sampling" in values and "edge_share" not in values)
    told = [text for text in said if "unexplained" in text]
    assert len(told) == (0 if values.get("transfer") == "none" else 2)


def test_sharp_edges_are_those_of_all_training_parts(fit_own):
    detector, _ = fit_own(geometry="structure", sampling="voxel", edge_share=0.1)
    few, _ = fit_own(geometry="structure", sampling="voxel", edge_share=0.02)
    assert detector.features.describer.fewer.edge_threshold > 0
    assert (
        detector.features.describer.fewer.edge_threshold
        < few.features.describer.fewer.edge_threshold
    )


@pytest.fixture
def tiny_points(monkeypatch, tmp_path):
    """Point-MAE in small, and a file like the published one."""
    small = partial(PointTransformer, width=12, heads=2, taken_after=(1, 2))
    monkeypatch.setattr(point_groups, "PointTransformer", small)
    monkeypatch.setattr(point_groups.PointGroups, "channels", 24)
    monkeypatch.setattr("dcrdf.detectors.resilient.geometry.PointMae.channels", 24)
    monkeypatch.setattr(point_groups, "CENTRES", 32)
    network = small()
    entries = {f"module.MAE_encoder.{key}": x for key, x in network.state_dict().items()}
    path = tmp_path / "points.pth"
    torch.save({"base_model": {**entries, "module.mask_token": torch.zeros(1)}}, path)
    return path


@pytest.mark.parametrize("centres", ["voxel", "fps"])
def test_pretrained_points_become_a_part_of_the_model(fit_own, samples, tiny_points, centres):
    given = {"geometry_weights": str(tiny_points), "geometry_sha256": sha256_of_file(tiny_points)}
    detector, _ = fit_own(geometry="point_mae", centres=centres, transfer="none", **given)
    maps = detector.maps(batch_of(detector, samples)).own["depth"]
    assert torch.isfinite(maps).all()
    assert maps.max() > 0.0
    held = torch.load(tiny_points, weights_only=True)["base_model"]
    name = "pos_embed.0.weight"
    network = detector.features.describer.network.transformer
    assert torch.equal(network.state_dict()[name], held[f"module.MAE_encoder.{name}"])


@pytest.mark.parametrize("kind", ["none", "other", "truncated", "foreign"])
def test_bad_point_weights_are_named(fit_own, tiny_points, kind):
    if kind == "none":
        tiny_points.unlink()
    if kind == "truncated":
        tiny_points.write_bytes(tiny_points.read_bytes()[:100])
    if kind == "foreign":
        torch.save({"base_model": {}}, tiny_points)
    digest = "0" * 64 if kind in ("none", "other") else sha256_of_file(tiny_points)
    with pytest.raises(UserError) as caught:
        fit_own(geometry="point_mae", geometry_weights=str(tiny_points), geometry_sha256=digest)
    assert str(tiny_points) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scans_without_any_geometry_are_refused(fit_own, samples, teacher, tmp_path):
    detector = build_detector("resilient", teacher, ResilientOptions(**TINY))
    shown = shown_to(detector, samples)
    empty = replace(shown, points=np.zeros_like(shown.points))
    context = FitContext(tmp_path, 1, "", TrainOptions(cpu_threads=1), CPU)
    with pytest.raises(UserError, match="no training scan has geometry on the part"):
        detector.fit(empty, None, context)
    with pytest.raises(UserError, match="hold no points"):
        detector.fit(replace(shown, points=None), None, context)
