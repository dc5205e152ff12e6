"""The losses against sums written out, what they are called, and who learns from whom."""

from math import sqrt

import pytest
import torch

from dcrdf.config.detectors import CrdOptions
from dcrdf.detectors.crd.objective import Objective
from dcrdf.modalities import DEPTH, RGB
from dcrdf.training.features import ModalityFeatures

from .small import features_of, network_of

ALL = {"decoder", "filter", "amplifier", "output"}


@pytest.fixture
def clean():
    return ModalityFeatures(features_of(0), features_of(1))


def cosine(a, b):
    a, b = a.flatten().tolist(), b.flatten().tolist()
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def distance(features, target, per_pixel):
    """Sum over stages of the images' mean 1 - cosine, of the whole map or place by place."""
    total = 0.0
    for ours, theirs in zip(features, target, strict=True):
        images = []
        for own, wanted in zip(ours, theirs, strict=True):
            places = [(own, wanted)]
            if per_pixel:
                places = list(zip(own.flatten(1).T, wanted.flatten(1).T, strict=True))
            images.append(sum(1 - cosine(a, b) for a, b in places) / len(places))
        total += sum(images) / len(images)
    return total


@pytest.mark.parametrize("kind", ["flattened", "per_pixel"])
def test_losses_written_out(clean, kind):
    network = network_of(distance=kind)
    losses = Objective(network, CrdOptions(distance=kind))(clean)
    assert list(losses) == [
        f"{name}_{part}"
        for name in ("rgb", "depth")
        for part in ("decoder", "filter", "amplifier", "output")
    ]
    for name, shown, other in ((RGB, clean.rgb, clean.depth), (DEPTH, clean.depth, clean.rgb)):
        branch = network.branch(name)
        projected = branch.project(other)
        seen = branch(shown, projected)
        expected = {"decoder": seen.decoded, "filter": projected.filtered,
                    "amplifier": projected.amplified, "output": seen.output}  # fmt: skip
        for part, features in expected.items():
            by_hand = distance(features, shown, kind == "per_pixel")
            assert losses[f"{name}_{part}"].item() == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"filter": "none", "amplifier": "none"}, {"decoder"}),
        ({"amplifier": "none"}, {"decoder", "filter"}),
        ({"filter": "none"}, {"decoder", "amplifier", "output"}),
        ({"filter": "identity", "amplifier": "identity"}, ALL),
    ],
)
def test_absent_parts_have_no_loss(clean, options, parts):
    losses = Objective(network_of(**options), CrdOptions(**options))(clean)
    assert set(losses) == {f"{name}_{part}" for name in ("rgb", "depth") for part in parts}


def reached(network, losses, part):
    """Which parameters of the whole network a loss moves."""
    network.zero_grad()
    losses[part].backward(retain_graph=True)
    return {name for name, x in network.named_parameters() if x.grad is not None and x.grad.any()}


def test_who_learns_from_what(clean):
    network = network_of(training=True)
    losses = Objective(network, CrdOptions())(clean)
    found = {part: reached(network, losses, f"rgb_{part}") for part in ALL}
    assert found["output"] == {"rgb.decoder.mixing"}
    assert {name.split(".")[1] for name in found["filter"]} == {"filter"}
    assert {name.split(".")[1] for name in found["amplifier"]} == {"amplifier"}
    assert {name.split(".")[1] for name in found["decoder"]} == {
        "filter", "amplifier", "bottleneck", "decoder",
    }  # fmt: skip
    assert "rgb.decoder.mixing" not in found["decoder"]
    assert not any(name.startswith("depth") for names in found.values() for name in names)


def test_without_a_stop_the_mix_trains_the_whole_branch(clean):
    network = network_of(training=True, stop_gradient="none")
    losses = Objective(network, CrdOptions(stop_gradient="none"))(clean)
    parts = {name.split(".")[1] for name in reached(network, losses, "depth_output")}
    assert parts == {"filter", "amplifier", "bottleneck", "decoder"}
    assert "depth.decoder.mixing" in reached(network, losses, "depth_decoder")


def test_a_branch_alone_learns_as_if_the_other_were_absent(clean):
    network = network_of()
    objective = Objective(network, CrdOptions())
    both, alone = objective(clean), objective(clean, [RGB])
    assert set(both) - set(alone) == {"rgb_output"}
    expected = distance(network.rgb(clean.rgb, None).decoded, clean.rgb, False)
    assert alone["rgb_decoder"].item() == pytest.approx(expected, rel=1e-9)
    assert alone["rgb_decoder"] != both["rgb_decoder"]
    for name in set(alone) - {"rgb_decoder"}:
        assert torch.equal(alone[name], both[name])


@pytest.mark.parametrize("options", [{}, {"filter": "none", "amplifier": "none"}])
def test_one_adam_is_two(clean, options):
    """And a branch's weights never know the other's student."""
    trained = []
    for together in (True, False):
        network = network_of(training=True, **options)
        objective = Objective(network, CrdOptions(**options))
        groups = [network] if together else [network.rgb, network.depth]
        optimizers = [torch.optim.Adam(x.parameters(), 0.005, (0.5, 0.999)) for x in groups]
        for _ in range(3):
            losses = objective(clean)
            for optimizer in optimizers:
                optimizer.zero_grad()
            if together:
                sum(losses.values()).backward()
            else:
                for name in (RGB, DEPTH):
                    sum(x for key, x in losses.items() if key.startswith(name)).backward()
            for optimizer in optimizers:
                optimizer.step()
        trained.append(network.state_dict())
    assert all(torch.equal(x, trained[1][name]) for name, x in trained[0].items())
