"""What the parts read and write: the oracle's own claims, and the package's maps against it."""

from dataclasses import replace

import pytest
import torch

from . import oracle, values
from .conftest import CPU, SHAPES, SIDE, make_features, make_options, make_parts, make_scans

PLAIN = {"filter": "none", "amplifier": "none"}
OTHER = {"rgb": "depth", "depth": "rgb"}
VARIANTS = [
    {},
    {"mixing": "after"},
    {"stop_gradient": "none"},
    {"absent": "own"},
    {"absent": "own", "mixing": "after"},
    PLAIN,
    {"amplifier": "none"},
    {"amplifier": "none", "filter": "identity", "absent": "own"},
    {"amplifier": "none", "filter_depth": 0},
    {"amplifier": "none", "filter_depth": 2},
    {"filter": "none"},
    {"filter": "none", "amplifier": "identity", "absent": "own"},
    {"filter": "none", "expansion": 4},
    {"decoder_blocks": "light"},
]


def pair(shape, options):
    """Random weights of a branch and of the other one, and features of both modalities."""
    parts = [make_parts(shape, options, seed) for seed in (1, 2)]
    return (*parts, make_features(shape, 3), make_features(shape, 4))


def equal(ones, others):
    return all(torch.equal(x, y) for x, y in zip(ones, others, strict=True))


# The oracle itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("name", SHAPES)
def test_features_have_the_teachers_shapes(name, changes):
    shape, options = SHAPES[name], make_options(**changes)
    parts, _, own, other = pair(shape, options)
    for features in oracle.branch(parts, own, other, shape, options, training=True):
        if features is not None:
            assert [x.shape for x in features] == [x.shape for x in own]


def test_what_is_stopped_or_not_has_the_same_values():
    shape = SHAPES["signed"]
    parts, _, own, other = pair(shape, make_options())
    results = [
        oracle.branch(parts, own, other, shape, make_options(stop_gradient=stop))
        for stop in ("output", "none")
    ]
    assert equal(results[0].decoded, results[1].decoded)
    assert equal(results[0].fused, results[1].fused)


def test_equal_weights_mix_half_and_half():
    shape, options = SHAPES["resnet"], make_options()
    parts, _, own, other = pair(shape, options)
    parts[oracle.MIXING] = torch.ones(3, 2, dtype=torch.float64)
    output = oracle.branch(parts, own, other, shape, options)
    for fused, d, a in zip(output.fused, output.decoded, output.amplified, strict=True):
        torch.testing.assert_close(fused, (d + a) / 2)


def test_after_leaves_the_decoder_as_it_is_without_amplifier():
    shape = SHAPES["signed"]
    parts, _, own, other = pair(shape, make_options())
    after, between, without = (
        oracle.branch(parts, own, other, shape, make_options(**changes)).decoded
        for changes in ({"mixing": "after"}, {}, {"amplifier": "none"})
    )
    assert equal(after, without)
    assert torch.equal(between[2], after[2])  # the coarsest stage comes before any mixing
    assert not torch.equal(between[1], after[1])
    assert not torch.equal(between[0], after[0])


def test_a_signed_decoder_goes_on_with_the_heads_output_where_its_amplifier_is_left_out():
    """For other teachers it is the same: their heads do nothing."""
    for name in SHAPES:
        shape = SHAPES[name]
        parts, _, own, _ = pair(shape, make_options())
        between, after = (
            oracle.alone(parts, own, shape, make_options(mixing=mixing))
            for mixing in ("between", "after")
        )
        assert equal(between, after) == (not shape.signed)


def test_all_weight_on_one_side_gives_that_side():
    shape = SHAPES["signed"]
    parts, _, own, other = pair(shape, make_options())
    parts[oracle.MIXING] = torch.tensor([[50.0, -50.0]] * 3, dtype=torch.float64)
    output = oracle.branch(parts, own, other, shape, make_options())
    alone = oracle.student(
        parts, own, output.projected, None, shape, make_options(), False, lambda x: x
    )[0]
    for fused, d, expected in zip(output.fused, output.decoded, alone, strict=True):
        torch.testing.assert_close(fused, d)
        torch.testing.assert_close(d, expected)


def test_imagined_features_are_what_the_other_branch_projects():
    shape = SHAPES["signed"]
    for changes, field in (({}, "projected"), ({"filter": "none"}, "amplified")):
        options = make_options(**changes)
        parts, parts_of_other, own, other = pair(shape, options)
        seen = oracle.branch(parts_of_other, other, own, shape, options)
        imagined = oracle.imagined(parts_of_other, own, shape, options)
        assert equal(imagined, getattr(seen, field))
        expected = oracle.branch(parts, own, imagined, shape, options).decoded
        assert equal(oracle.own_features(parts, parts_of_other, own, shape, options), expected)


# The package --------------------------------------------------------------------------------------


def own_and_crossmodal(detector, shape, options, features):
    """The oracle's maps of both branches; no crossmodal ones without assistants."""
    parts = {name: oracle.parts_of(getattr(detector.network, name)) for name in OTHER}
    own, crossmodal = {}, {}
    for name, other in OTHER.items():
        shown = features[name]
        alone = oracle.own_features(parts[name], parts[other], shown, shape, options)
        own[name] = values.anomaly_maps(alone, shown, SIDE)
        output = oracle.branch(parts[name], shown, features[other], shape, options)
        seen = output.decoded if output.fused is None else output.fused
        crossmodal[name] = values.anomaly_maps(seen, shown, SIDE)
    has_assistant = (options.filter, options.amplifier) != ("none", "none")
    return own, crossmodal if has_assistant else {}


def assert_maps(found, expected):
    assert set(found) == set(expected)
    for name, maps in expected.items():
        torch.testing.assert_close(
            found[name].double(), torch.from_numpy(maps), rtol=1e-3, atol=2e-4
        )


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("name", ["wide", "signed"])
def test_maps_are_the_oracles(crd, features_of, name, changes):
    detector, scans = crd.detector(name, **changes), make_scans(count=2)
    options = make_options(**changes)
    own, crossmodal = own_and_crossmodal(
        detector, SHAPES[name], options, features_of(detector, scans)
    )
    batch = scans.batch(CPU)
    detector.map_kind = "crossmodal" if crossmodal else "raw"
    answer = detector.maps(batch)
    assert_maps(answer.own, own)
    assert_maps(answer.crossmodal, crossmodal)
    assert not answer.joint
    detector.map_kind = "raw"
    assert_maps(detector.maps(batch).own, own)
    assert not detector.maps(batch).crossmodal


def test_maps_of_signed_teachers_exceed_one_and_are_not_cut(crd, features_of):
    detector, scans = crd.detector("signed"), make_scans(count=2)
    detector.map_kind = "crossmodal"
    answer = detector.maps(scans.batch(CPU))
    expected = own_and_crossmodal(
        detector, SHAPES["signed"], make_options(), features_of(detector, scans)
    )
    for found, maps in zip((answer.own, answer.crossmodal), expected, strict=True):
        for name, x in found.items():
            assert maps[name].max() > 1.02
            assert x.max().item() == pytest.approx(maps[name].max(), rel=1e-3)


@pytest.mark.parametrize("changes", [{}, {"filter": "none"}, {"amplifier": "none"}], ids=str)
@pytest.mark.parametrize("absent", ["own", "cycle"])
def test_own_maps_never_read_the_other_modality(crd, absent, changes):
    detector = crd.detector("signed", absent=absent, **changes)
    detector.map_kind = "crossmodal"
    one, another = make_scans(0), make_scans(1)
    both = detector.maps(one.batch(CPU))
    for name, other in OTHER.items():
        field = {"rgb": "rgb", "depth": "height"}[other]
        mixed = replace(one, **{field: getattr(another, field)})
        changed = detector.maps(mixed.batch(CPU))
        assert torch.equal(changed.own[name], both.own[name])
        assert not torch.equal(changed.crossmodal[name], both.crossmodal[name])
        missing = detector.maps(one.without(other).batch(CPU))
        assert set(missing.own) == {name}
        assert not missing.crossmodal
        assert torch.equal(missing.own[name], both.own[name])


def test_the_mapping_alone_is_crossmodal_feature_mapping(crd, features_of):
    """`maps: mapping`, where it is offered: 1 - cos(F_IBP, F_E)."""
    if "mapping" not in crd.Options().maps():
        pytest.skip("not offered")
    detector, scans = crd.detector("signed"), make_scans(count=2)
    detector.map_kind = "mapping"
    features = features_of(detector, scans)
    found = detector.maps(scans.batch(CPU)).asked()
    for name, other in OTHER.items():
        parts = oracle.parts_of(getattr(detector.network, name))
        output = oracle.branch(
            parts, features[name], features[other], SHAPES["signed"], make_options()
        )
        expected = values.anomaly_maps(output.amplified, features[name], SIDE)
        torch.testing.assert_close(
            found[name].double(), torch.from_numpy(expected), rtol=1e-3, atol=2e-4
        )
