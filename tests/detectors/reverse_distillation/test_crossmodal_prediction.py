"""What the other modality explains of a residual is taken off, and never more than that."""

import pytest
import torch
from torch.nn import functional

from dcrdf.detectors.reverse_distillation.crossmodal_prediction import (
    ResidualPrediction,
    known_of_places,
    on_grid,
)

CHANNELS = (4, 6, 8)
SIDES = (16, 8, 4)


def stages(seed, count=6, marks=None):
    """Features of all stages, noise; `marks` (count, 4, 4) shift the first channel where true."""
    generator = torch.Generator().manual_seed(seed)
    result = []
    for channels, side in zip(CHANNELS, SIDES, strict=True):
        x = 1.0 + 0.1 * torch.randn((count, channels, side, side), generator=generator)
        if marks is not None:
            x[:, 0] += 3.0 * functional.interpolate(marks[:, None].float(), size=(side, side))[:, 0]
        result.append(x)
    return result


def scene(seed):
    """Where the other modality shows a mark, the residual goes one way; noise elsewhere."""
    generator = torch.Generator().manual_seed(seed)
    marks = torch.rand((6, 4, 4), generator=generator) < 0.3
    student, other = stages(seed + 100)[1], stages(seed + 200, marks=marks)
    noise = 0.05 * torch.randn((6, 8, 8, CHANNELS[1]), generator=generator)
    at = functional.interpolate(marks[:, None].float(), size=(8, 8))[:, 0]
    return student, other, noise + at[..., None] * torch.linspace(-0.5, 0.5, CHANNELS[1]), at > 0


@pytest.fixture(scope="module")
def explanation():
    student, other, residuals, _ = scene(0)
    result = ResidualPrediction(CHANNELS[1], CHANNELS)
    known = known_of_places(student, other, torch.ones(6, 8, 8, dtype=torch.bool))
    result.fit(known, residuals.flatten(0, 2), torch.Generator().manual_seed(0))
    return result


def test_takes_off_what_the_other_modality_tells(explanation):
    student, other, residuals, marked = scene(1)
    left = explanation.unexplained(residuals, student, other)
    assert left[marked].norm(dim=-1).mean() < 0.4 * residuals[marked].norm(dim=-1).mean()
    assert left[~marked].norm(dim=-1).mean() > 0.8 * residuals[~marked].norm(dim=-1).mean()


def test_the_same_residual_without_a_mark_stays(explanation):
    student, _, residuals, marked = scene(1)
    left = explanation.unexplained(residuals, student, stages(7))
    assert left[marked].norm(dim=-1).mean() > 0.8 * residuals[marked].norm(dim=-1).mean()


@pytest.mark.parametrize("factor", [0.0, 1.0, 1e3, -1e3])
def test_another_modality_out_of_order_adds_nothing(explanation, factor):
    student, _, residuals, _ = scene(1)
    broken = [factor * x for x in stages(3)]
    left = explanation.unexplained(residuals, student, broken)
    assert (left.norm(dim=-1) <= residuals.norm(dim=-1) * (1 + 1e-6)).all()


def test_stages_weighed_at_their_own_grid_are_the_features_at_one_grid(explanation):
    student, other, _, _ = scene(2)
    known = known_of_places(student, other, torch.ones(6, 8, 8, dtype=torch.bool))
    plain = explanation.mean + explanation.spread * explanation.network(known)
    torch.testing.assert_close(
        explanation(student, other).flatten(0, 2), plain, rtol=1e-4, atol=1e-5
    )


def test_before_a_fit_and_without_places_nothing_is_explained():
    student, other, residuals, _ = scene(1)
    explanation = ResidualPrediction(CHANNELS[1], CHANNELS)
    known = known_of_places(student, other, torch.zeros(6, 8, 8, dtype=torch.bool))
    explanation.fit(known, residuals[:0, 0, 0], torch.Generator())
    assert torch.equal(explanation.unexplained(residuals, student, other), residuals)


def test_on_grid_keeps_constants_and_means():
    assert torch.equal(
        on_grid(torch.full((1, 2, 4, 4), 3.0), (8, 8)), torch.full((1, 2, 8, 8), 3.0)
    )
    cells = torch.arange(16.0).view(1, 1, 4, 4)
    assert on_grid(cells, (2, 2)).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


@pytest.mark.parametrize("factor", [-2.0, -0.1, 0.0, 0.3, 1.0, 1.7, 40.0])
def test_the_share_that_is_taken_off_lies_between_nothing_and_all(factor):
    """r - a e with the a in [0, 1] that leaves least, e the same everywhere."""
    expected = torch.tensor([0.3, -0.4, 0.0, 0.2, 0.1, 0.5])
    across = torch.tensor([0.4, 0.3, 0.7, 0.0, 0.0, 0.0])  # at a right angle to it
    explanation = ResidualPrediction(CHANNELS[1], CHANNELS)
    explanation.mean.copy_(expected)
    residuals = (factor * expected + across).expand(6, 8, 8, -1)
    left = explanation.unexplained(residuals, stages(1)[1], stages(2))
    share = min(max(factor, 0.0), 1.0)
    torch.testing.assert_close(left, (residuals - share * expected))
