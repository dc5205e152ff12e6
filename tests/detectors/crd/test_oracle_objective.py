"""Losses by double loops, and what each of them trains, by finite differences.

A training of one epoch in one batch logs the losses of the first step, and its optimiser sees the
gradient of their sum: no more of the package has to be known.
"""

import itertools
from functools import cache

import pytest
import torch

from dcrdf.training import loop

from . import oracle, values
from .conftest import SHAPES, make_features, make_options, make_parts, make_scans

OTHER = {"rgb": "depth", "depth": "rgb"}
LEARNT = ("filter", "amplifier", "bottleneck", "decoder", oracle.MIXING)
VARIANTS = [
    {},
    {"mixing": "after"},
    {"stop_gradient": "none"},
    {"stop_gradient": "none", "mixing": "after"},
    {"distance": "per_pixel"},
    {"filter": "none"},
    {"filter": "identity", "amplifier": "none"},
    {"filter": "none", "amplifier": "none"},
]


# The oracle itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flattened", "per_pixel"])
def test_the_fast_distance_is_that_of_the_loops(kind):
    one, other = (make_features(SHAPES["signed"], seed, count=3) for seed in (1, 2))
    expected = values.distance_by_loops(one, other, kind)
    assert values.distance(one, other, kind).item() == pytest.approx(expected, rel=1e-12)


@cache
def slopes(**changes):
    """(loss, stage, part) -> how steep that stage's loss is along some direction in the part.

    Stages are counted from fine (0) to coarse (2); the weights `mixing` of one stage are a part of
    their own, counted from coarse to fine.
    """
    shape, options = SHAPES["signed"], make_options(**changes)
    parts = make_parts(shape, options, 1)
    own, other = make_features(shape, 2, count=3), make_features(shape, 3, count=3)
    generator = torch.Generator().manual_seed(4)
    keys = list(itertools.product(values.LOSSES, range(3)))

    def all_losses(parts, stop):
        output = oracle.branch(parts, own, other, shape, options, True, stop)
        return torch.stack(
            [
                values.distance([getattr(output, values.LOSSES[of])[at]], [own[at]], "flattened")
                for of, at in keys
            ]
        )

    directions = {part: values.direction_in(parts, part, generator) for part in LEARNT[:4]}
    for row in range(3):
        chosen = values.direction_in(parts, oracle.MIXING, generator)
        keep = torch.zeros(3, 2, dtype=torch.float64)
        keep[row] = 1.0
        directions[f"mixing {row}"] = chosen | {oracle.MIXING: keep * chosen[oracle.MIXING]}
    return {
        (*key, part): float(slope)
        for part, direction in directions.items()
        for key, slope in zip(keys, values.derivative(all_losses, parts, direction), strict=True)
    }


def trained(**changes):
    """Those (loss, stage, part) that are steep at all."""
    return {key for key, slope in slopes(**changes).items() if abs(slope) > 1e-6}


def test_stopped_the_output_trains_the_mixing_of_its_stage_alone():
    found = trained()
    of_output = {key for key in found if key[0] == "output"}
    assert of_output == {("output", stage, f"mixing {2 - stage}") for stage in range(3)}
    assert not any(part.startswith("mixing") for of, _, part in found if of != "output")


def test_the_decoders_loss_reaches_the_amplifier_of_coarser_stages_where_they_are_mixed_between():
    for stop in ("output", "none"):
        found = trained(stop_gradient=stop)
        reached = {s for of, s, part in found if (of, part) == ("decoder", "amplifier")}
        assert reached == {0, 1}
        found = trained(stop_gradient=stop, mixing="after")
        assert not any((of, part) == ("decoder", "amplifier") for of, _, part in found)


def test_not_stopped_the_output_trains_all_that_it_is_made_of():
    for mixing in ("between", "after"):
        found = trained(stop_gradient="none", mixing=mixing)
        for part in LEARNT[:4]:
            assert {s for of, s, p in found if (of, p) == ("output", part)} == {0, 1, 2}, part
        coarser = {
            (stage, row)
            for of, stage, part in found
            if of == "output" and part.startswith("mixing")
            for row in [int(part[-1])]
        }
        # A stage's output reads the mixing of coarser stages only where the mix is passed on.
        expected = {
            (2 - at, row)
            for at in range(3)
            for row in range(at + 1)
            if mixing != "after" or at == row
        }
        assert coarser == expected


def test_not_stopped_the_decoders_loss_trains_the_mixing_of_coarser_stages():
    """And only where the mix is passed on; nothing reads that of the finest stage."""
    found = trained(stop_gradient="none")
    reached = {(s, p) for of, s, p in found if of == "decoder" and p.startswith("mixing")}
    assert reached == {(1, "mixing 0"), (0, "mixing 0"), (0, "mixing 1")}
    found = trained(stop_gradient="none", mixing="after")
    assert not any(of == "decoder" and p.startswith("mixing") for of, _, p in found)


@pytest.mark.parametrize("stop", ["output", "none"])
def test_the_projections_losses_train_projections_alone(stop):
    found = trained(stop_gradient=stop)
    for name in ("filter", "amplifier"):
        assert {part for of, _, part in found if of == name} == {name}
    # The embedding is made with what the filter gives: the decoder's loss trains it as well.
    assert {s for of, s, part in found if (of, part) == ("decoder", "filter")} == {0, 1, 2}


# The package --------------------------------------------------------------------------------------


@pytest.fixture
def first_step(monkeypatch):
    """Weights and gradients of both branches, as parts, when the optimiser makes its first step."""
    seen = {}

    def build(module, options, device):
        class Watched(torch.optim.Adam):
            def step(self, closure=None):
                if not seen:
                    for name in OTHER:
                        branch = getattr(module, name)
                        seen[name] = oracle.parts_of(branch), oracle.parts_of(branch, _gradient)
                return super().step(closure)

        return Watched(module.parameters(), lr=options.learning_rate, betas=options.betas)

    monkeypatch.setattr(loop, "make_optimizer", build)
    return seen


def _gradient(x):
    gradient = getattr(x, "grad", None)
    return torch.zeros_like(x, dtype=torch.float64) if gradient is None else gradient.double()


def outputs_of(seen, features, shape, options):
    """The branches' outputs with the batch's own statistics."""
    return {
        name: oracle.branch(seen[name][0], features[name], features[other], shape, options, True)
        for name, other in OTHER.items()
    }


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("name", ["wide", "signed"])
def test_the_first_steps_losses_are_those_of_the_loops(
    crd, make_fit, first_step, features_of, name, changes
):
    detector, scans, options = crd.detector(name, **changes), make_scans(), make_options(**changes)
    (row,) = make_fit(detector, scans).losses
    features = features_of(detector, scans)
    outputs = outputs_of(first_step, features, SHAPES[name], options)
    expected = {
        f"{branch}_{loss}": value
        for branch, output in outputs.items()
        for loss, value in values.losses(
            output, features[branch], options.distance, values.distance_by_loops
        ).items()
    }
    found = {key: value for key, value in row.items() if key.startswith(("rgb_", "depth_"))}
    assert found == pytest.approx(expected, rel=2e-4)
    assert row["total"] == pytest.approx(sum(expected.values()), rel=2e-4)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("name", ["wide", "signed"])
def test_the_first_steps_gradient_is_the_slope_of_the_losses(
    crd, make_fit, first_step, features_of, name, changes
):
    detector, scans, options = crd.detector(name, **changes), make_scans(), make_options(**changes)
    make_fit(detector, scans)
    features, shape = features_of(detector, scans), SHAPES[name]
    generator = torch.Generator().manual_seed(8)
    for branch, other in OTHER.items():
        parts, gradients = first_step[branch]

        def total(parts, stop, branch=branch, other=other):
            shown = features[branch]
            output = oracle.branch(parts, shown, features[other], shape, options, True, stop)
            return sum(values.losses(output, shown, options.distance).values())

        for part in parts:
            direction = values.direction_in(parts, part, generator)
            slope = float(values.derivative(total, parts, direction))
            found = values.along(gradients, direction)
            assert found == pytest.approx(slope, rel=1e-3, abs=1e-4), (branch, part)


def test_a_branch_that_is_trained_without_the_other_modality_is_form_a(
    crd, make_fit, first_step, features_of
):
    detector, scans = crd.detector("signed", modality_dropout=1.0), make_scans()
    (row,) = make_fit(detector, scans).losses
    features, options = features_of(detector, scans), make_options()
    for name in OTHER:
        shown = features[name]
        decoded = oracle.alone(first_step[name][0], shown, SHAPES["signed"], options, True)
        expected = values.distance_by_loops(decoded, shown, "flattened")
        assert row[f"{name}_decoder"] == pytest.approx(expected, rel=2e-4)
        assert f"{name}_output" not in row or row[f"{name}_output"] == 0.0
