"""The fitted detector: stages, streams, maps, what is absent, what has no part."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.config.options import InferOptions
from dcrdf.detectors.flow_distillation.inputs import InputMaker
from dcrdf.detectors.flow_distillation.losses import unlikeliness
from dcrdf.detectors.flow_distillation.streams import Streams, shown_to
from dcrdf.files.atomic import replacing
from dcrdf.networks.teacher import TEACHERS
from dcrdf.scoring.scorer import Scorer
from dcrdf.training import loop
from dcrdf.training.log import write_loss_table

from .conftest import CPU, SIDE, make_detector, make_scans, with_part

STREAMS = ("joint", "rgb", "depth")


def bits(detector, *parts):
    """Copies of all tensors of some parts of the network."""
    return {
        f"{part}.{name}": x.clone()
        for part in parts
        for name, x in detector.network.get_submodule(part).state_dict().items()
    }


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(x, other[k]) for k, x in one.items())


def maps_of(detector, scans, kind="raw"):
    detector.map_kind = kind
    try:
        answer = detector.maps(scans.batch(CPU, {"outline"}))
    finally:
        detector.map_kind = "raw"
    return {**answer.own, **answer.joint}


# Training -----------------------------------------------------------------------------------------


def test_each_stage_trains_its_networks_alone(fit):
    seen = {}

    def note(done, epochs, losses):
        seen.setdefault(next(iter(losses)).split("_")[1], []).append((done, epochs))

    _, context = fit(announce=note, train={"epochs": 3}, flow_epochs=2)
    assert seen == {"flow": [(1, 2), (2, 2)], "student": [(1, 3), (2, 3), (3, 3)]}
    names = {name: {f"{x}_{name}" for x in STREAMS} for name in ("flow", "student")}
    for row in context.losses:
        assert set(row) == {"stage", "epoch", "total"} | names[row["stage"]]


def test_students_are_as_drawn_until_their_stage_and_flows_stay_in_it(fit, monkeypatch):
    trained, whole = [], loop.save_state

    def noting(path, module, *rest):
        trained.append({name: x.clone() for name, x in module.state_dict().items()})
        whole(path, module, *rest)

    monkeypatch.setattr(loop, "save_state", noting)
    detector, _ = fit()
    at_start = make_detector()
    of_flows, of_students = trained  # at the end of each stage
    for name in STREAMS:
        kept = bits(detector, f"{name}.flow")
        assert all(torch.equal(of_flows[f"{key}".replace(".flow.", ".", 1)], x)
                   for key, x in kept.items())  # fmt: skip
        assert not same(kept, bits(at_start, f"{name}.flow"))
        drawn, after = bits(at_start, f"{name}.student"), bits(detector, f"{name}.student")
        assert all(torch.equal(of_students[f"{key}".replace(".student.", ".", 1)], x)
                   for key, x in after.items())  # fmt: skip
        assert not same(drawn, after)
    norms = [x for x in detector.network.modules() if isinstance(x, torch.nn.BatchNorm2d)]
    assert {int(x.num_batches_tracked) for x in norms} == {4}  # two batches, two epochs
    assert not any(x.training for x in detector.network.modules())


def test_flows_do_not_know_scales_students_or_their_sizes(fit, fitted):
    parts = [f"{name}.flow" for name in STREAMS]
    other = fit(scales=(2,), side_channels=4, student_blocks=2, mask_rule="half")[0]
    assert same(bits(fitted, *parts), bits(other, *parts))


def test_streams_are_apart(fit, fitted):
    narrow = fit(side_channels=4)[0]
    assert same(bits(fitted, "joint"), bits(narrow, "joint"))
    scans = make_scans()
    higher = fit(replace(scans, height=scans.height[::-1].copy()))[0]
    assert same(bits(fitted, "rgb"), bits(higher, "rgb"))
    assert not same(bits(fitted, "depth"), bits(higher, "depth"))
    assert not same(bits(fitted, "joint"), bits(higher, "joint"))


class Killed(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_killed_in_either_stage_or_between_the_same_bits(fit, tmp_path, monkeypatch, after):
    """Two epochs of the flows, three of the students."""
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    options = {"flow_epochs": 2, "train": {"epochs": 3}}
    whole, undisturbed = fit(**options)
    announced = []

    def kill(*_):
        announced.append(1)
        if len(announced) == after:
            raise Killed

    with pytest.raises(Killed):
        fit(folder=tmp_path, announce=kill, **options)
    seen = []
    resumed, context = fit(folder=tmp_path, announce=lambda *_: seen.append(1), **options)
    assert len(seen) == 6 - after  # what was announced and not saved is done again
    assert same(bits(whole, *STREAMS), bits(resumed, *STREAMS))
    assert context.losses == undisturbed.losses
    tables = []
    for name, one in (("whole", undisturbed), ("resumed", context)):
        write_loss_table(one.losses, tmp_path / name)
        tables.append((tmp_path / name).read_text())
    assert tables[0] == tables[1]
    assert tables[0].splitlines()[0].startswith("stage,epoch,joint_flow,rgb_flow,depth_flow,total,")


def test_a_saved_state_of_other_settings_is_not_gone_on_with(fit, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    detector, _ = fit(folder=tmp_path)
    for state in tmp_path.glob(loop.STATES):
        text = state.read_bytes().replace(b"r flow", b"q flow").replace(b"r student", b"q student")
        with replacing(state) as temporary:
            temporary.write_bytes(text)
    seen = []
    again, _ = fit(folder=tmp_path, announce=lambda *_: seen.append(1))
    assert len(seen) == 4
    assert same(bits(detector, *STREAMS), bits(again, *STREAMS))


def test_without_room_for_features_nearly_the_same(fit, fitted):
    other = fit(train={"feature_cache_mb": 0})[0]
    one, two = (maps_of(x, make_scans(1)) for x in (fitted, other))
    for name, values in one.items():
        torch.testing.assert_close(values, two[name], rtol=1e-3, atol=1e-4)


def test_adam_takes_the_methods_own_numbers(fit, monkeypatch):
    made, whole = [], torch.optim.Adam

    def noting(parameters, **options):
        made.append(options)
        return whole(parameters, **options)

    monkeypatch.setattr(torch.optim, "Adam", noting)
    fit(train={"learning_rate": 0.5, "betas": (0.1, 0.1), "schedule": "cosine"})
    for options in made:
        del options["fused"]
    assert made == [{"lr": 2e-4, "betas": (0.9, 0.999), "weight_decay": 1e-5}] * 2


def test_losses_fall(fit):
    _, context = fit(train={"epochs": 12}, learning_rate=2e-3)
    for stage in ("flow", "student"):
        rows = [row for row in context.losses if row["stage"] == stage]
        for name in STREAMS:
            assert rows[-1][f"{name}_{stage}"] < rows[0][f"{name}_{stage}"]


def test_the_flows_loss_is_shown_over_its_channels(fit):
    """At the start z is x: half its mean square on the part, mean over all cells and channels."""
    detector, context = fit(train={"epochs": 1, "batch_size": 8})
    make = InputMaker(detector.teacher, detector.options)
    inputs = make.of_good(make_scans(), CPU)
    for name, x in shown_to(inputs).items():
        counted = torch.ones_like(inputs.part) if name == "rgb" else inputs.part
        expected = (0.5 * x.square().mean(dim=1) * counted).mean()
        assert context.losses[0][f"{name}_flow"] == pytest.approx(float(expected), rel=1e-4)


def test_masked_or_not_the_loss_is_a_mean_over_all_cells(fit):
    (masked, everywhere) = (
        fit(train={"epochs": 1}, mask=x)[1].losses[0] for x in ("foreground", "all")
    )
    assert masked["rgb_flow"] == everywhere["rgb_flow"]
    assert masked["joint_flow"] < everywhere["joint_flow"]


def test_standardised_channels(fit):
    detector, _ = fit(feature_norm="channel")
    make = InputMaker(detector.teacher, detector.options)
    inputs = make.of_good(make_scans(), CPU)
    for name, x in shown_to(inputs).items():
        stream = detector.network.stream(name)
        counted = torch.ones_like(inputs.part) if name == "rgb" else inputs.part
        values = stream._shown(x)[0].permute(0, 2, 3, 1)[counted]
        moved = stream.spread.flatten() > 1.01 * stream.spread.min()
        assert moved.any()
        torch.testing.assert_close(values.mean(dim=0), torch.zeros(x.shape[1]), atol=1e-4, rtol=0)
        deviations = values.std(dim=0, unbiased=False)[moved]
        torch.testing.assert_close(deviations, torch.ones_like(deviations), atol=1e-3, rtol=0)


# Maps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["raw", "likelihood"])
def test_maps_are_what_they_are_called(fitted, kind):
    scans = make_scans(1)
    found = maps_of(fitted, scans, kind)
    with torch.no_grad():
        inputs = InputMaker(fitted.teacher, fitted.options)(scans.batch(CPU, {"outline"}))
        for name, x in shown_to(inputs).items():
            stream = fitted.network.stream(name)
            z, log_det = stream.teach(x)
            if kind == "raw":
                cells = (z - stream.imitate(x)).square().mean(dim=1)
            else:
                cells = (unlikeliness(z, log_det) / x.shape[1] - stream.likely).clamp_min(0)
            if name != "rgb":
                cells = cells * inputs.part
            expected = functional.interpolate(
                cells[:, None], (SIDE, SIDE), mode="bilinear", align_corners=False
            )[:, 0]
            torch.testing.assert_close(found[name], expected)


def test_likelihood_is_not_negative_and_zero_where_training_was_likeliest(fitted):
    scans = make_scans()
    make = InputMaker(fitted.teacher, fitted.options)
    with torch.no_grad():
        inputs = make(scans.batch(CPU, {"outline"}))
        for name, x in shown_to(inputs).items():
            stream = fitted.network.stream(name)
            counted = fitted.network.counted(name, inputs.part)
            excess, plain = stream.excess_unlikeliness(x)[counted], stream.unlikeliness(x)[counted]
            assert excess.min() == 0.0
            torch.testing.assert_close(excess.argsort(), plain.argsort())
            assert float(excess.max()) == pytest.approx(float(stream.loudest("likelihood")))
    strange = replace(scans, rgb=255 - scans.rgb, height=-2 * scans.height)
    for values in maps_of(fitted, strange, "likelihood").values():
        assert values.min() >= 0.0


def test_heights_and_both_are_silent_beside_the_part_and_colour_is_not(fitted, fit):
    scans = make_scans(1, radius=8)
    maps = maps_of(fitted, scans)
    corner = np.s_[:, :8, :8]
    assert not maps["joint"][corner].any()
    assert not maps["depth"][corner].any()
    assert (maps["rgb"][corner] > 0).all()
    assert fitted.silences_background == {"depth"}
    everything = fit(mask="all")[0]
    assert not everything.silences_background
    assert all((x[corner] > 0).all() for x in maps_of(everything, scans).values())


@pytest.mark.parametrize("mask", ["foreground", "all"])
@pytest.mark.parametrize("kind", ["raw", "likelihood"])
def test_an_empty_tray_does_not_pass_as_good(fit, mask, kind):
    """Nor does a hundredth of a part, where a third of one is a part as others are masked."""
    detector = fit(mask=mask)[0]
    good = make_scans(1)
    options = InferOptions(maps=kind, fusion="joint", blur_sigma_px=2.0)
    scorer, predictions = Scorer.calibrate(detector, options, good, CPU)
    highest = {
        name: max(float(one.scores[name][0]) for one in predictions) for name in ("fused", "depth")
    }
    crumb = np.zeros_like(good.outline)
    crumb[:, 30:32, 30:34] = True
    for outline in (np.zeros_like(good.outline), crumb):
        tray = replace(with_part(good, outline), height=np.zeros_like(good.height))
        both, alone = scorer.score(tray), scorer.score(tray.without("rgb"))
        assert both.scores["fused"].min() > 2 * highest["fused"]
        assert alone.scores["fused"].min() > 2 * highest["depth"]
        assert np.isfinite(both.unusual["depth"]).all()
    third = with_part(good, make_scans(1, radius=12).outline)
    loud = detector.network.stream("joint").loudest(kind)
    assert maps_of(detector, third, kind)["joint"].max() < 10 * loud


@pytest.mark.parametrize("missing", ["rgb", "depth"])
def test_with_one_modality_its_own_map_and_threshold(fitted, missing):
    scorer, _ = Scorer.calibrate(fitted, InferOptions(fusion="joint"), make_scans(1), CPU)
    left = {"rgb": "depth", "depth": "rgb"}[missing]
    both, alone = scorer.score(make_scans(2)), scorer.score(make_scans(2).without(missing))
    assert set(both.maps) == {"fused", "rgb", "depth"}
    assert set(alone.maps) == {"fused", left}
    np.testing.assert_allclose(alone.maps["fused"], both.maps[left], rtol=1e-4, atol=1e-6)
    assert not np.allclose(both.maps["fused"], both.maps[left])


def test_a_field_counts_where_it_was_measured(fit):
    """Its outline is what is valid."""
    scans = make_scans()
    valid = np.ones_like(scans.outline)
    valid[:, :16, :16] = False
    field = replace(with_part(scans, valid), valid=valid)
    maps = maps_of(fit(field)[0], field)
    assert not maps["joint"][:, :8, :8].any()
    assert (maps["joint"][:, 24:, 24:] > 0).all()


# Levels -------------------------------------------------------------------------------------------


def with_share(seed, share):
    """A part that fills the image but for a strip at its side."""
    scans = make_scans(seed)
    outline = np.zeros_like(scans.outline)
    outline[:, :, : round(share * SIDE)] = True
    return replace(with_part(scans, outline), height=np.full_like(scans.height, 0.5) + scans.height)


def test_parts_about_three_quarters_of_the_image_are_as_usual(fitted):
    """The level is the quietest quarter's: masked maps are zero there, and 74 % and 76 % would be
    worlds apart."""
    options = InferOptions(fusion="peak_trust", blur_sigma_px=0.0)
    scorer, _ = Scorer.calibrate(fitted, options, with_share(1, 0.73), CPU)
    assert scorer.calibration.maps["depth"].highest_level > 1e-3
    for share in (0.73, 0.77, 0.95):
        unusual = scorer.score(with_share(1, share)).unusual
        assert unusual["depth"].max() < 1.5
        assert unusual["rgb"].max() < 1.01


def test_the_level_is_that_of_the_part(fitted):
    scans = with_share(1, 0.5)
    scorer, _ = Scorer.calibrate(fitted, InferOptions(blur_sigma_px=0.0), scans, CPU)
    own = scorer.raw_maps(scans).own
    where = {"rgb": scans.inside, "depth": scans.outline}
    for name, maps in own.items():
        levels = [
            np.sort(x[at])[round(0.25 * at.sum()) - 1]
            for x, at in zip(maps.numpy(), where[name], strict=True)
        ]
        found = scorer.calibration.maps[name].highest_level
        assert found == pytest.approx(max(levels), rel=1e-6)


def test_a_part_that_is_loud_as_a_whole_is_unusual(fitted):
    """However much of the image is silent."""
    good = with_share(1, 0.5)
    scorer, _ = Scorer.calibrate(fitted, InferOptions(blur_sigma_px=0.0), good, CPU)
    loud = replace(good, height=4 * make_scans(3).height * good.outline)
    raw, inside = scorer.raw_maps(loud), torch.from_numpy(loud.inside)
    found = scorer.finishing(raw, inside, None, torch.from_numpy(loud.outline)).unusual["depth"]
    highest = scorer.calibration.maps["depth"].highest_level
    for factor, maps, part in zip(found, raw.own["depth"].numpy(), loud.outline, strict=True):
        level = np.sort(maps[part])[round(0.25 * part.sum()) - 1]
        assert float(factor) == pytest.approx(max(level / highest, 1.0), rel=1e-5)
    assert found.max() > 1.2


# Size ---------------------------------------------------------------------------------------------


def test_the_papers_streams():
    """304 channels of colour, 64 of height."""
    colour = TEACHERS["efficientnet_b5"].channels[2]
    with torch.device("meta"):
        network = Streams(colour, FlowDistillationOptions(student_channels=1024))
    sizes = [
        [sum(x.numel() for x in part.parameters()) for part in (stream.flow, stream.student)]
        for stream in map(network.stream, STREAMS)
    ]
    assert sizes[0] == [3_890_568, 82_601_328]
    assert [stream.centre.shape[0] for stream in map(network.stream, STREAMS)] == [368, 304, 64]
    assert sizes[0][0] > sizes[1][0] > sizes[2][0]
    narrow = Streams(12, FlowDistillationOptions(student_channels=16, side_channels=4))
    widths = [network.student.entrance.out_channels for network in map(narrow.stream, STREAMS)]
    assert widths == [16, 4, 4]
