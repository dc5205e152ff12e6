"""Parameters and multiplications by hand against the design's table, and of what is built."""

import itertools

import pytest
import torch

from dcrdf.networks.teacher import TEACHERS

from . import layers, oracle
from .conftest import DEFAULTS, SHAPES, make_options

PARTS = ("filter", "amplifier", "bottleneck", "decoder")
MIXING_NUMBERS = 6
TABLE = {
    "wide_resnet50_2": (59_794_944, 17_905_664, 90_738_688, 24_917_504),
    "resnet50": (59_794_944, 17_905_664, 62_683_136, 15_821_824),
    "resnet18": (3_742_080, 1_121_792, 18_392_064, 3_703_168),
    "efficientnet_lite0": (699_120, 207_664, 3_436_160, 658_320),
}
"""Learnt numbers of a branch's parts without the mixing's six."""
TOTALS = {
    "wide_resnet50_2": (193.36, 46.2, 83.80, 18.5),
    "resnet50": (156.21, 37.8, 46.65, 10.0),
    "resnet18": (26.96, 4.5, 20.10, 2.8),
    "efficientnet_lite0": (5.00, 0.73, 3.76, 0.45),
}
"""Of a branch at 256 px: millions, GMAC, and the same without assistants."""
GMACS = {
    "wide_resnet50_2": (6.4, 10.5, 18.2, 11.1),
    "resnet18": (0.40, 0.65, 1.91, 1.56),
    "efficientnet_lite0": (0.07, 0.10, 0.33, 0.23),
}
PLAIN = {"filter": "none", "amplifier": "none"}


def counts(shape, options):
    return {name: layers.parameters(x) for name, x in layers.layers_of(shape, options).items()}


def macs(shape, options, side=256):
    """Multiplications of a branch by part, from the sides of the teacher's maps."""
    sides = [side // stride for stride in shape.strides]
    found = layers.layers_of(shape, options)
    first, second, third, embed = found["bottleneck"]
    ways = [layers.macs(x, s) for x, s in zip((first, second, third), sides, strict=True)]
    assert {after for _, after in ways} == {sides[2]}
    embedded, at = layers.macs(embed, sides[2])
    decoder = 0
    for stage, head, expected in zip(*found["decoder"], sides[::-1], strict=True):
        of_stage, at = layers.macs(stage, at)
        assert at == expected
        decoder += of_stage + layers.macs(head, at)[0]
    result = {"bottleneck": embedded + sum(x for x, _ in ways), "decoder": decoder}
    for name in ("filter", "amplifier"):
        pairs = [layers.macs(x, s) for x, s in zip(found[name], sides, strict=bool(found[name]))]
        assert [after for _, after in pairs] in ([], sides)
        result[name] = sum(x for x, _ in pairs)
    return result


def rounded_as(printed, value):
    """Whether a value, in its unit, rounds to what is printed (with half a digit's room)."""
    digits = len(str(printed).partition(".")[2])
    return abs(value - printed) <= 0.5 * 10.0**-digits + 1e-9


@pytest.mark.parametrize("teacher", TABLE)
def test_parts_have_the_tables_parameters(teacher):
    found = counts(TEACHERS[teacher], make_options())
    assert tuple(found[name] for name in PARTS) == TABLE[teacher]


@pytest.mark.parametrize("teacher", TOTALS)
def test_totals_are_the_tables(teacher):
    shape = TEACHERS[teacher]
    full, plain = make_options(), make_options(**PLAIN)
    million, giga, plain_million, plain_giga = TOTALS[teacher]
    assert rounded_as(million, (sum(counts(shape, full).values()) + MIXING_NUMBERS) / 1e6)
    assert rounded_as(giga, sum(macs(shape, full).values()) / 1e9)
    assert rounded_as(plain_million, sum(counts(shape, plain).values()) / 1e6)
    assert rounded_as(plain_giga, sum(macs(shape, plain).values()) / 1e9)


@pytest.mark.parametrize("teacher", GMACS)
def test_parts_have_the_tables_multiplications(teacher):
    found = macs(TEACHERS[teacher], make_options())
    for name, printed in zip(PARTS, GMACS[teacher], strict=True):
        assert rounded_as(printed, found[name] / 1e9), name


@pytest.mark.parametrize(
    ("part", "changes", "million", "giga"),
    [
        ("filter", {"filter": "identity"}, 13.77, 8.1),
        ("filter", {"filter_depth": 0}, 19.93, 5.9),
        ("amplifier", {"amplifier": "identity"}, 13.77, 8.1),
        ("amplifier", {"expansion": 4}, 23.42, 13.7),
    ],
)
def test_other_sizes_are_as_printed(part, changes, million, giga):
    shape, options = TEACHERS["wide_resnet50_2"], make_options(**changes)
    assert rounded_as(million, counts(shape, options)[part] / 1e6)
    assert rounded_as(giga, macs(shape, options)[part] / 1e9)


def test_a_second_halving_adds_two_layers_of_the_embeddings_width_to_each_stage():
    shape = TEACHERS["wide_resnet50_2"]
    one, two = (counts(shape, make_options(filter_depth=depth))["filter"] for depth in (1, 2))
    assert two - one == 3 * 2 * (4 * 2048**2 + 2 * 2048)


@pytest.mark.parametrize(("depth", "smallest"), [(0, 16), (1, 8), (2, 4)])
def test_the_filters_smallest_map(depth, smallest):
    for number, stage in enumerate(
        layers.bottleneck_projection(TEACHERS["wide_resnet50_2"], depth)
    ):
        sides = [64 >> number]
        for layer in layers.flat(stage):
            sides.append(layer.side_after(sides[-1]))
        assert min(sides) == smallest
        assert sides[0] == sides[-1]


VARIANTS = [
    {},
    PLAIN,
    *({"filter": "bottleneck", "filter_depth": depth, "amplifier": "none"} for depth in (0, 1, 2)),
    {"filter": "identity", "amplifier": "none"},
    *({"filter": "none", "expansion": expansion} for expansion in (2, 4)),
    {"filter": "none", "amplifier": "identity"},
    {"decoder_blocks": "light"},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("teacher", TABLE)
def test_what_is_built_has_these_parameters(crd, teacher, changes):
    shape = TEACHERS[teacher]
    with torch.device("meta"):
        network = crd.Network(shape, crd.Options(**changes))
    expected = counts(shape, make_options(**changes))
    has_mixing = changes.get("amplifier") != "none"
    for branch in (network.rgb, network.depth):
        for name in PARTS:
            part = getattr(branch, name, None)
            found = 0 if part is None else sum(x.numel() for x in part.parameters())
            more = MIXING_NUMBERS if name == "decoder" and has_mixing else 0
            assert found == expected[name] + more, name
    shared = set(network.rgb.parameters()) & set(network.depth.parameters())
    assert not shared


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_oracle_can_read_what_is_built(crd, shape, changes):
    network = crd.Network(SHAPES[shape], crd.Options(**changes))
    options = make_options(**changes)
    for branch in (network.rgb, network.depth):
        parts = oracle.parts_of(branch)
        for name, nested in layers.layers_of(SHAPES[shape], options).items():
            oracle.loaded(nested, parts[name])


def test_defaults_are_the_designs(crd):
    options = crd.Options().model_dump()
    assert {name: options[name] for name in DEFAULTS} == DEFAULTS
    for name, value in itertools.product(("filter", "amplifier"), ("none", "identity")):
        assert getattr(crd.Options(**{name: value}), name) == value
