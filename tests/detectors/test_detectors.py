"""Every variety of detector: fits, repeats itself, survives the disk, scores by one path."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.options import InferOptions
from dcrdf.detectors.dcrdf_net.detector import orientations_for
from dcrdf.errors import UserError
from dcrdf.models.checkpoint import load_detector, save_detector
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.split import gather
from dcrdf.tensors.images import rgb_tensor
from dcrdf.training.features import FeatureSource, teacher_features

from .conftest import shown_to

VARIETIES = [
    "dual_rd", "paper", "calibrated_maps_residual", "gfrn_only", "augmented", "natural_twins",
    "crd", "crd_mapped_after", "flow", "memory_bank", "chosen_bank", "resilient",
    "resilient_student",
]  # fmt: skip
CPU = torch.device("cpu")
DETECTOR_OF = {"crd": "crd", "crd_mapped_after": "crd", "flow": "flow_distillation"}
DETECTOR_OF |= {"memory_bank": "memory_bank", "chosen_bank": "memory_bank"}
DETECTOR_OF |= {"resilient": "resilient", "resilient_student": "resilient"}
DETECTOR_OF |= {variety: "dcrdf_net" for variety in VARIETIES if variety not in DETECTOR_OF}


def maps_of(detector, samples):
    """Every map by its name."""
    return answer_of(detector, samples).all()


def answer_of(detector, samples):
    """All that a detector says of the samples."""
    return detector.maps(shown_to(detector, samples).batch(CPU, detector.options.needs()))


@pytest.mark.parametrize("variety", VARIETIES)
def test_maps_are_finite_and_of_the_images_size(fit, samples, variety):
    answer = answer_of(fit(variety)[0], samples)
    assert set(answer.own) == {"rgb", "depth"}
    joint = {"paper": {"cm_segf"}, "calibrated_maps_residual": {"cm_segf"}, "flow": {"joint"}}
    assert set(answer.joint) == joint.get(variety, set())
    for values in answer.all().values():
        assert values.shape == samples.height.shape
        assert torch.isfinite(values).all()
        assert values.min() >= 0


BITWISE = ["paper", "natural_twins", "crd", "flow", "memory_bank", "chosen_bank", "resilient"]
BITWISE += ["resilient_student"]


@pytest.mark.parametrize("variety", BITWISE)
def test_same_input_same_bits(fit, samples, variety):
    one, other = (maps_of(fit(variety, fresh)[0], samples) for fresh in (0, 1))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("variety", VARIETIES)
def test_the_fast_path_gives_the_plain_maps(fit, samples, variety):
    plain = fit(variety)[0]
    fast = plain.for_inference()
    layers = [*fast.teacher.modules(), *fast.network.modules()]
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in layers)
    # Other images than the bank's own: differences of distances near zero are rounding alone.
    other = replace(samples, rgb=255 - samples.rgb, height=1 - samples.height)
    expected, maps = maps_of(plain, other), maps_of(fast, other)
    assert set(maps) == set(expected)
    for name, values in maps.items():
        torch.testing.assert_close(values, expected[name], rtol=1e-3, atol=1e-4)


def test_the_feature_cache_changes_nothing(teacher, samples):
    cached, uncached = (FeatureSource(teacher, samples, CPU, budget) for budget in (1024, 0))
    rows = np.array([4, 0, 0, 3])
    for one, other in zip(cached.rows(rows).rgb, uncached.rows(rows).rgb, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    for one, other in zip(cached.rows(rows).depth, uncached.rows(rows).depth, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_oriented_features_are_those_of_oriented_images(teacher, samples):
    chosen = np.array([0, 3, 6])
    rows, turns = np.array([4, 0, 0, 3]), np.array([2, 1, 0, 2])
    expected = teacher_features(teacher, samples[rows].oriented(chosen[turns]), CPU)
    for budget in (1024, 0):
        source = FeatureSource(teacher, samples, CPU, budget, chosen)
        given = source.rows(rows, turns)
        pairs = zip(given.rgb + given.depth, expected.rgb + expected.depth, strict=True)
        for one, other in pairs:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_augmented_training_differs(fit):
    plain, augmented = (fit(name)[1].losses[-1]["total"] for name in ("dual_rd", "augmented"))
    assert plain != augmented


@pytest.mark.parametrize("kind", ["whitened", "relative", "crossmodal"])
@pytest.mark.parametrize("variety", ["dual_rd", "natural_twins"])
def test_maps_are_about_one_on_good_training_images(fit, samples, variety, kind):
    detector = fit(variety)[0]
    scorer, _ = Scorer.calibrate(
        detector, InferOptions(maps=kind, fusion="peak_norm"), samples, CPU
    )
    answer = scorer.raw_maps(samples)
    assert set(answer.crossmodal) == ({"rgb", "depth"} if kind == "crossmodal" else set())
    for values in answer.by_branch().values():
        assert values.shape == samples.height.shape
        part = torch.from_numpy(samples.outline.copy())
        assert 0.5 < values[part].mean() < 1.5
        assert 0.5 < values[~part].mean() < 1.5  # the background is a place like any other


@pytest.mark.parametrize(
    ("variety", "own_kind", "kind"),
    [
        ("dual_rd", "relative", "crossmodal"),
        ("crd", "raw", "crossmodal"),
        ("crd", "raw", "mapping"),
        ("crd_mapped_after", "raw", "mapping"),
    ],
)
def test_crossmodal_maps_ask_the_other_modality_where_there_is_one(
    fit, samples, variety, own_kind, kind
):
    detector = fit(variety)[0].for_inference()
    batch = samples.batch(CPU)
    detector.map_kind = own_kind
    relative = detector.maps(batch)
    detector.map_kind = kind
    both = detector.maps(batch)
    other = detector.maps(replace(batch, rgb=batch.rgb.flip(0)))
    assert set(detector.maps(batch.without("depth")).all()) == {"rgb own"}
    assert set(detector.maps(batch.without("rgb")).all()) == {"depth own"}
    assert set(relative.own) == set(both.own) == set(both.crossmodal) == {"rgb", "depth"}
    assert not relative.crossmodal
    for name in ("rgb", "depth"):
        assert torch.equal(both.own[name], relative.own[name])
        assert not torch.equal(both.crossmodal[name], relative.own[name])
    assert torch.equal(other.own["depth"], both.own["depth"])
    assert not torch.equal(other.crossmodal["depth"], both.crossmodal["depth"])


@pytest.mark.parametrize(
    ("variety", "kind"),
    [("dual_rd", "relative"), ("dual_rd", "crossmodal"), ("crd", "crossmodal"), ("crd", "mapping")],
)
def test_a_branch_is_judged_as_it_is_without_the_other_modality(fit, samples, variety, kind):
    options = InferOptions(maps=kind, fusion="peak_trust", batch_size=4)
    scorer, predictions = Scorer.calibrate(fit(variety)[0], options, samples, CPU)
    scored = gather(predictions)
    assert set(scored.scores) == {"fused", "rgb", "depth"}
    for name, missing in (("rgb", "depth"), ("depth", "rgb")):
        alone = scorer.score(samples.without(missing))
        assert np.allclose(scored.scores[name], alone.scores["fused"], rtol=1e-4)
        assert np.allclose(scored.maps[name], alone.maps["fused"], rtol=2e-3)


@pytest.mark.parametrize("variety", ["dual_rd", "crd"])
@pytest.mark.parametrize("fusion", ["avg", "zscore_sum"])
def test_fusions_without_trust_take_the_maps_that_were_asked_for(fit, samples, variety, fusion):
    options = InferOptions(maps="crossmodal", fusion=fusion, blur_sigma_px=0.0)
    scorer, _ = Scorer.calibrate(fit(variety)[0], options, samples, CPU)
    raw = scorer.raw_maps(samples).crossmodal
    rgb, depth = raw["rgb"], raw["depth"]
    if fusion == "zscore_sum":
        expected = (rgb - rgb.mean()) / rgb.std() + (depth - depth.mean()) / depth.std()
    else:
        expected = (rgb + depth) / 2
    found = scorer.score(samples).maps["fused"]
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("kind", ["raw", "crossmodal"])
def test_maps_of_several_orientations_are_their_mean(fit, samples, kind):
    detector = fit("augmented")[0]
    scorer = Scorer(detector, InferOptions(maps=kind, orientations=4), None, CPU)
    expected = {"rgb": [], "depth": []}
    for number in (0, 5, 2, 7):
        rgb, height = (
            np.stack([a_turn(x, number) for x in images])
            for images in (samples.rgb, samples.height)
        )
        shown = replace(samples, rgb=rgb, height=height)
        maps = scorer.detector.maps(shown.batch(CPU)).own
        for name, of_turns in expected.items():  # each of the four undoes itself
            of_turns.append(np.stack([a_turn(x.numpy(), number) for x in maps[name]]))
    found = scorer.raw_maps(samples).own
    for name, of_turns in expected.items():
        np.testing.assert_allclose(found[name], np.mean(of_turns, axis=0), rtol=1e-4, atol=1e-5)
    once = Scorer(detector, InferOptions(maps=kind), None, CPU)
    assert not torch.equal(once.raw_maps(samples).own["rgb"], found["rgb"])


def a_turn(image, number):
    """The image as it is, after half a turn, or mirrored at one of its diagonals."""
    if number == 2:
        return image[::-1, ::-1]
    axes = (1, 0, *range(2, image.ndim))
    flipped = image.transpose(axes)
    return flipped if number == 5 else flipped[::-1, ::-1] if number == 7 else image


def test_scores_only_in_orientations_it_has_learnt(fit, samples, tmp_path):
    assert list(fit("augmented")[0].orientations) == list(range(8))
    save_detector(tmp_path, fit("augmented")[0], "dcrdf_net", {})
    assert list(load_detector(tmp_path)[0].orientations) == list(range(8))
    detector = fit("dual_rd")[0]
    assert list(detector.orientations) == [0]
    eight, one = (
        Scorer(detector, InferOptions(orientations=n), None, CPU).raw_maps(samples).all()
        for n in (8, 1)
    )
    assert all(torch.equal(eight[name], one[name]) for name in one)


def test_few_images_are_shown_in_more_orientations_after_training():
    of_one = 6 * 4 * 4  # six images with 4 x 4 places at the coarsest stage
    given = [orientations_for(n * of_one, 6, (64, 64), 16) for n in (0.5, 1, 1.1, 3)]
    assert given == [1, 1, 2, 3]
    assert orientations_for(10, 1000, (256, 256), 16) == 1


def test_all_rows_come_in_one_orientation_after_the_other(teacher, samples):
    source = FeatureSource(teacher, samples, CPU, 1024, np.array([0, 5, 2]))
    shown = list(source.batches(4))
    assert [len(batch.rgb[0]) for batch in shown] == [4, 2, 4, 2, 4, 2]
    for at, number in enumerate((0, 5, 2)):
        turn = np.full(4, number)
        expected = teacher_features(teacher, samples[:4].oriented(turn), CPU)
        torch.testing.assert_close(shown[2 * at].depth[1], expected.depth[1], rtol=1e-4, atol=1e-4)


def test_losses_are_those_of_the_method(fit):
    names = {variety: set(fit(variety)[1].losses[0]) - {"epoch"} for variety in VARIETIES[:4]}
    plain = {"rgb_distillation", "depth_distillation", "total"}
    assert names["dual_rd"] == plain
    assert names["gfrn_only"] == plain | {"rgb_denoising", "depth_denoising"}
    focal = {"rgb_focal", "depth_focal", "fused_focal"}
    assert names["paper"] == names["gfrn_only"] | focal


@pytest.mark.parametrize(("variety", "apart"), [("perlin_gfrn", True), ("paper", False)])
def test_without_a_gate_a_branch_trains_as_if_it_were_alone(fit, variety, apart):
    """What the rows for one modality stand on: bits of one branch do not know the other's images,
    while the gate's gradient carries them over."""
    one, other = (fit(variety, other_depth=changed)[0].network for changed in (False, True))
    for branch, is_same in (("rgb", apart), ("depth", False)):
        pairs = zip(
            getattr(one, branch).parameters(), getattr(other, branch).parameters(), strict=True
        )
        assert all(torch.equal(*pair) for pair in pairs) == is_same


@pytest.mark.parametrize("variety", VARIETIES)
def test_disk_round_trip_gives_the_same_bits(fit, samples, variety, tmp_path):
    detector, _ = fit(variety)
    save_detector(tmp_path, detector, DETECTOR_OF[variety], {"category": "a"})
    again, description = load_detector(tmp_path)
    assert description["category"] == "a"
    before, after = maps_of(detector, samples), maps_of(again, samples)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_stride_of_the_caffe_trunk_survives_the_disk(shared_data, tmp_path, samples):
    from dcrdf.config.detectors import MemoryBankOptions
    from dcrdf.detectors.base import build_detector

    trunk = shared_data / "weights" / "resnet50_caffe_trunk.safetensors"
    teacher = load_teacher("resnet50", trunk)
    save_detector(
        tmp_path, build_detector("memory_bank", teacher, MemoryBankOptions()), "memory_bank", {}
    )
    images = rgb_tensor(samples.rgb[:1], CPU)
    pairs = zip(teacher(images), load_detector(tmp_path)[0].teacher(images), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("variety", VARIETIES)
@pytest.mark.parametrize("missing", ["rgb", "depth"])
def test_one_modality_gives_the_other_branch(fit, samples, variety, missing):
    detector = fit(variety)[0]
    shown = shown_to(detector, samples)
    scorer, _ = Scorer.calibrate(detector, InferOptions(fusion="zscore_sum"), shown, CPU)
    both, alone = scorer.score(shown), scorer.score(shown.without(missing))
    left = "depth" if missing == "rgb" else "rgb"
    assert missing not in alone.maps
    np.testing.assert_allclose(alone.maps["fused"], both.maps[left], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(alone.maps["fused"], alone.maps[left])


def test_batches_do_not_change_scores(fit, samples):
    scorer, _ = Scorer.calibrate(fit("dual_rd")[0], InferOptions(), samples, CPU)
    together = scorer.score(samples).scores["fused"]
    alone = [scorer.score(samples[i : i + 1]).scores["fused"][0] for i in range(6)]
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def damage(folder, kind):
    weights, description = folder / "weights.safetensors", folder / "detector.json"
    if kind == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif kind == "no weights":
        weights.unlink()
    elif kind == "no description":
        description.unlink()
    elif kind == "not JSON":
        description.write_text("{")
    else:
        values = json.loads(description.read_text())
        key, value = {
            "other format": ("format", 99),
            "unknown detector": ("detector", "other"),
            "other options": ("options", {"patch_pool": 4}),
            "other teacher": ("teacher", {"name": "resnet18", "stride_in_1x1": False}),
        }[kind]
        values[key] = value
        description.write_text(json.dumps(values))


@pytest.mark.parametrize(
    "kind",
    ["truncated weights", "no weights", "no description", "not JSON", "other format",
     "unknown detector", "other options", "other teacher"],
)  # fmt: skip
def test_damaged_checkpoint_is_named(fit, tmp_path, kind):
    save_detector(tmp_path, fit("memory_bank")[0], "memory_bank", {})
    damage(tmp_path, kind)
    with pytest.raises(UserError) as caught:
        load_detector(tmp_path)
    assert str(tmp_path) in str(caught.value)
