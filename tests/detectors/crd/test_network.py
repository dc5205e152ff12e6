"""Sizes of whole branches, what a branch reads, and what it takes for an absent modality."""

import pytest
import torch

from dcrdf.config.detectors import DETECTORS, CrdOptions
from dcrdf.detectors.crd.network import Branch, CrdNetwork, Projected
from dcrdf.modalities import DEPTH, OTHER, RGB
from dcrdf.networks.folding import fold_batch_norms
from dcrdf.networks.teacher import TEACHERS

from .small import branch_of, features_of, network_of, shape_of

SIZES = {  # one-class bottleneck, decoder with its six weights
    "wide_resnet50_2": (90_738_688, 24_917_504 + 6),
    "resnet50": (62_683_136, 15_821_824 + 6),
    "resnet18": (18_392_064, 3_703_168 + 6),
    "efficientnet_lite0": (3_436_160, 658_320 + 6),
}
TOTALS_M = {  # with both projections, and without any
    "wide_resnet50_2": (193.36, 83.80),
    "resnet50": (156.21, 46.65),
    "resnet18": (26.96, 20.10),
    "efficientnet_lite0": (5.00, 3.76),
}
BOTTLENECK, INVERTED, IDENTITY = 59_794_944, 17_905_664, 13_769_728
PRESETS_M = {
    "paper": 193.356806,
    "no_assistants": 83.802624,
    "filter_only": 193.356806 - INVERTED / 1e6 - 6e-6,
    "amplifier_only": 83.802624 + INVERTED / 1e6 + 6e-6,
    "filter_identity": 193.356806 - INVERTED / 1e6 - 6e-6 - (BOTTLENECK - IDENTITY) / 1e6,
    "amplifier_identity": 83.802624 + IDENTITY / 1e6 + 6e-6,
    "trd": 193.356806,
    "after": 193.356806,
}
"""Of a branch with the wide ResNet; a filter makes the one-class bottleneck wider."""


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def branch_on_meta(name, **options):
    with torch.device("meta"):
        return Branch(TEACHERS[name], CrdOptions(**options))


@pytest.mark.parametrize("name", list(SIZES))
def test_parameters_of_a_branch(name):
    branch = branch_on_meta(name)
    assert (size(branch.bottleneck), size(branch.decoder)) == SIZES[name]
    plain = branch_on_meta(name, filter="none", amplifier="none")
    assert tuple(round(size(x) / 1e6, 2) for x in (branch, plain)) == TOTALS_M[name]


@pytest.mark.parametrize("preset", list(PRESETS_M))
def test_parameters_of_presets(preset):
    options = DETECTORS["crd"].presets[preset]["options"]
    branch = branch_on_meta("wide_resnet50_2", **options)
    assert size(branch) / 1e6 == pytest.approx(PRESETS_M[preset], abs=1e-7)


@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("side", [64, 96, 160, 256])
def test_shapes_of_a_branch(name, side):
    shape = TEACHERS[name]
    features = [
        torch.empty(1, c, side // s, side // s, device="meta")
        for c, s in zip(shape.channels, shape.strides, strict=True)
    ]
    branch = branch_on_meta(name).eval()
    projected = branch.project(features)
    for part in (*projected, *branch(features, projected)):
        assert [x.shape for x in part] == [x.shape for x in features]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_branch_reads_its_image_then_the_filtered_other():
    branch, shown, other = branch_of(), features_of(0), features_of(1)
    projected = branch.project(other)
    seen = branch(shown, projected)
    assert same(projected.filtered, branch.filter(other))
    assert same(projected.amplified, branch.amplifier(other))
    joined = [torch.cat(pair, dim=1) for pair in zip(shown, branch.filter(other), strict=True)]
    expected = branch.decoder(branch.bottleneck(joined), branch.amplifier(other))
    assert same(seen.decoded, expected.decoded)
    assert same(seen.output, expected.output)


@pytest.mark.parametrize(
    "options", [{}, {"mixing": "after"}, {"amplifier": "none"}, {"filter": "none"}]
)
def test_alone_a_branch_takes_its_own_features_for_the_filtered_and_leaves_out_the_mix(options):
    branch, shown = branch_of(**options), features_of()
    seen = branch(shown, None)
    has_filter = options.get("filter") != "none"
    read = [torch.cat([x, x], dim=1) for x in shown] if has_filter else shown
    embedding = branch.bottleneck(read)
    if options.get("amplifier") == "none":
        expected = branch.decoder(embedding)
    else:
        expected = branch.decoder(embedding, None).decoded
    assert same(seen.decoded, expected)
    assert same(seen.output, seen.decoded)


@pytest.mark.parametrize("options", [{}, {"filter": "none"}, {"amplifier": "none"}])
def test_a_cycle_imagines_the_absent_modality_as_the_other_branch_does(options):
    network = network_of(**options)
    features = {RGB: features_of(0), DEPTH: features_of(1)}
    projected = network.project(features)
    own = network.own(features, projected)
    for name, shown in features.items():
        # What both modalities give is what one gives.
        assert same(own[name], network.own({name: shown}, {})[name])
        stranger = network.branch(OTHER[name])
        imagined = (stranger.amplifier if "filter" in options else stranger.filter)(shown)
        assert same(imagined, projected[OTHER[name]].imagined)
        branch = network.branch(name)
        assert same(own[name], branch(shown, branch.project(imagined)).decoded)


def test_absent_own_asks_nobody():
    network = network_of(absent="own")
    features = {RGB: features_of(0), DEPTH: features_of(1)}
    own = network.own(features, network.project(features))
    for name, shown in features.items():
        assert same(own[name], network.branch(name)(shown, None).decoded)
    assert not same(own[RGB], network_of(absent="cycle").own(features, {})[RGB])


def test_without_assistants_there_is_the_plain_student():
    network = network_of(filter="none", amplifier="none")
    shown = features_of()
    expected = network.rgb.decoder(network.rgb.bottleneck(shown))
    assert same(network.own({RGB: shown}, {})[RGB], expected)
    assert same(network.rgb(shown, Projected(None, None)).output, expected)


def test_branches_share_nothing_and_start_as_he_et_al_draw_them():
    torch.manual_seed(4)
    network = CrdNetwork(shape_of(), CrdOptions())
    names = {
        branch: {id(x) for x in getattr(network, branch).parameters()}
        for branch in ("rgb", "depth")
    }
    assert not names["rgb"] & names["depth"]
    drawn = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            fan_out = layer.out_channels * layer.kernel_size[0] * layer.kernel_size[1]
            drawn.append(layer.weight.flatten() * (fan_out / 2) ** 0.5)
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert torch.equal(layer.weight, torch.ones_like(layer.weight))
            assert not layer.bias.any()
    assert torch.cat(drawn).std().item() == pytest.approx(1.0, abs=0.02)
    for layer in network.modules():
        if isinstance(layer, torch.nn.ConvTranspose2d):  # torch's default: uniform
            fan = layer.out_channels * layer.kernel_size[0] * layer.kernel_size[1]
            assert layer.weight.abs().max() <= fan**-0.5


def test_what_is_stored_has_the_names_of_its_parts():
    names = CrdNetwork(shape_of(), CrdOptions()).state_dict()
    parts = {".".join(name.split(".")[:2]) for name in names} - {"is_learnt"}
    kinds = ("filter", "amplifier", "bottleneck", "decoder")
    assert parts == {f"{branch}.{kind}" for branch in ("rgb", "depth") for kind in kinds}
    assert "rgb.decoder.mixing" in names
    assert "is_learnt" in names


@pytest.mark.parametrize("signed", [True, False])
def test_folded_norms_change_no_feature(signed):
    network = network_of(signed)
    features = {RGB: features_of(0), DEPTH: features_of(1)}
    expected = network.own(features, {})[DEPTH]
    fold_batch_norms(network)
    assert not any(isinstance(x, torch.nn.BatchNorm2d) for x in network.modules())
    for one, other in zip(network.own(features, {})[DEPTH], expected, strict=True):
        torch.testing.assert_close(one, other)
