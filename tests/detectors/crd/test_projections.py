"""How large the projections are, what shapes they keep, and how small the bottleneck's map is."""

import pytest
import torch
from torch import nn

from dcrdf.detectors.crd.projections import (
    BottleneckProjection,
    IdentityProjection,
    InvertedProjection,
)
from dcrdf.networks.teacher import TEACHERS

from .small import features_of, shape_of

SIZES = {  # bottleneck of depth 1, inverted projection of expansion 2; of one branch
    "wide_resnet50_2": (59_794_944, 17_905_664),
    "resnet50": (59_794_944, 17_905_664),
    "resnet18": (3_742_080, 1_121_792),
    "efficientnet_lite0": (699_120, 207_664),
}


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(kind, name, *arguments):
    with torch.device("meta"):
        return kind(TEACHERS[name], *arguments)


def sides_within(module):
    """Filled, when the module runs, with the side of every map in it."""
    sides = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, __, x: sides.append(x.shape[-1]))
    return sides


@pytest.mark.parametrize("name", list(SIZES))
def test_parameters(name):
    kinds = (BottleneckProjection, InvertedProjection)
    assert tuple(size(on_meta(kind, name)) for kind in kinds) == SIZES[name]


def test_parameters_of_other_sizes():
    """In millions, of the wide ResNet; at expansion 1 the inverted form is the identity form."""
    name = "wide_resnet50_2"
    found = {
        "identity": size(on_meta(IdentityProjection, name)),
        "depth 0": size(on_meta(BottleneckProjection, name, 0)),
        "expansion 1": size(on_meta(InvertedProjection, name, 1)),
        "expansion 4": size(on_meta(InvertedProjection, name, 4)),
    }
    expected = {"identity": 13.77, "depth 0": 19.93, "expansion 1": 13.77, "expansion 4": 23.42}
    assert {key: round(count / 1e6, 2) for key, count in found.items()} == expected
    # One more halving of each stage: 2 C_3 -> 2 C_3 and back, with their batch norms.
    deeper = size(on_meta(BottleneckProjection, name, 2)) - SIZES[name][0]
    assert deeper == 3 * 2 * (2048 * 2048 * 4 + 2 * 2048)


@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("side", [64, 96, 160, 256])
def test_shapes_are_the_teachers_and_the_smallest_map_is_as_named(name, side):
    shape = TEACHERS[name]
    features = [
        torch.empty(1, c, side // s, side // s, device="meta")
        for c, s in zip(shape.channels, shape.strides, strict=True)
    ]
    forms = {
        32: on_meta(BottleneckProjection, name),
        16: on_meta(BottleneckProjection, name, 0),
        64: on_meta(BottleneckProjection, name, 2),
        0: on_meta(IdentityProjection, name),
        -1: on_meta(InvertedProjection, name, 4),
    }
    for stride, form in forms.items():
        if stride == 64 and side % 64:
            continue
        sides = sides_within(form)
        assert [x.shape for x in form.eval()(features)] == [x.shape for x in features]
        assert min(sides) == side // max(stride, 16)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (BottleneckProjection, (1,)),
        (BottleneckProjection, (0,)),
        (IdentityProjection, ()),
        (InvertedProjection, (2,)),
    ],
)
def test_values_are_signed_where_the_teachers_are(kind, sizes):
    for signed in (True, False):
        torch.manual_seed(0)
        found = kind(shape_of(signed), *sizes).double()(features_of())
        for x in found:
            assert (x.min() < 0) == signed
            assert x.max() > 0
