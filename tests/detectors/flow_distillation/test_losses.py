"""Likelihood and distances on the cells that count, at several scales."""

import numpy as np
import pytest
import torch

from dcrdf.detectors.flow_distillation.losses import (
    coarse_cells,
    distances,
    distillation_loss,
    likelihood_loss,
    logged_as,
    pooled,
    unlikeliness,
)

from .small import flow_of, normal


def cells_of(count, side, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((count, side, side)) < 0.6)


def test_likelihood_by_hand():
    z = torch.tensor([[[[1.0, 2.0], [0.0, 3.0]], [[1.0, 0.0], [2.0, 1.0]]]])
    log_det = torch.tensor([[[0.5, -1.0], [0.0, 2.0]]])
    assert unlikeliness(z, log_det).tolist() == [[[0.5, 3.0], [2.0, 3.0]]]
    cells = torch.tensor([[[True, False], [True, True]]])
    assert float(likelihood_loss(z, log_det, cells)) == (0.5 + 2.0 + 3.0) / 4


def test_no_cell_no_loss():
    z, none = normal(2, 3, 4, 4).requires_grad_(), torch.zeros(2, 4, 4, dtype=torch.bool)
    broken = torch.full((2, 4, 4), torch.inf, dtype=torch.float64)
    losses = (
        likelihood_loss(z, broken, none),
        distillation_loss(z, normal(2, 3, 4, 4, seed=1), none),
    )
    for loss in losses:
        assert float(loss) == 0.0
        (gradient,) = torch.autograd.grad(loss, z)
        assert not gradient.any()


def test_masked_cells_beyond_the_flows_reach_change_nothing():
    """A kernel of 3 twice in each of two nets: four cells."""
    flow = flow_of(4, 0, kernels=(3,))
    cells = torch.zeros(1, 12, 12, dtype=torch.bool)
    cells[:, :, :4] = True

    def loss_and_gradients(x):
        loss = likelihood_loss(*flow(x, None), cells)
        return [loss, *torch.autograd.grad(loss, list(flow.parameters()))]

    one = normal(1, 4, 12, 12)
    far, near = one.clone(), one.clone()
    far[..., 8:] += 1.0
    near[..., 7:] += 1.0
    expected = loss_and_gradients(one)
    assert all(map(torch.equal, expected, loss_and_gradients(far)))
    assert not torch.equal(expected[0], loss_and_gradients(near)[0])


def test_one_scale_is_a_masked_square():
    teacher, student, cells = normal(2, 3, 6, 6), normal(2, 3, 6, 6, seed=1), cells_of(2, 6)
    square = ((teacher - student) ** 2).numpy().mean(axis=1)
    torch.testing.assert_close(distances(teacher, student).numpy(), square)
    expected = (square * cells.numpy()).mean()
    assert float(distillation_loss(teacher, student, cells, (1,))) == pytest.approx(expected)


def test_scales_against_means_of_blocks():
    teacher, student, cells = normal(2, 3, 8, 8), normal(2, 3, 8, 8, seed=1), cells_of(2, 8)
    difference, expected = (teacher - student).numpy(), []
    for scale in (1, 2, 4):
        side = 8 // scale
        blocks = difference.reshape(2, 3, side, scale, side, scale).mean(axis=(3, 5))
        mask = cells.numpy().reshape(2, side, scale, side, scale).any(axis=(2, 4))
        expected.append(((blocks**2).mean(axis=1) * mask).mean())
    for scales in ((2,), (4, 1), (1, 2, 4)):
        by_hand = np.mean([expected[(1, 2, 4).index(scale)] for scale in scales])
        found = distillation_loss(teacher, student, cells, scales)
        assert float(found) == pytest.approx(by_hand, rel=1e-12)


def test_a_checkerboard_is_seen_at_the_finest_scale_alone():
    board = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4).expand(1, 2, 8, 8)
    every = torch.ones(1, 8, 8, dtype=torch.bool)
    zero = torch.zeros_like(board)
    losses = [float(distillation_loss(zero, board, every, (scale,))) for scale in (1, 2, 4)]
    assert losses == [1.0, 0.0, 0.0]


def test_grids_that_do_not_divide_by_the_scale():
    """18 cells in windows of 4: the last one holds 2."""
    x = torch.arange(18.0).expand(1, 1, 18, 18)
    found = pooled(x, 4)[0, 0, 0]
    assert found.tolist() == [1.5, 5.5, 9.5, 13.5, 16.5]
    cells = torch.zeros(1, 18, 18, dtype=torch.bool)
    cells[0, 17, 17] = True
    assert coarse_cells(cells, 4).nonzero().tolist() == [[0, 4, 4]]
    assert not coarse_cells(cells, 4, "half").any()
    cells[0, 16, 16] = True
    assert coarse_cells(cells, 4, "half").nonzero().tolist() == [[0, 4, 4]]
    loss = distillation_loss(x, torch.zeros_like(x), cells, (4,))
    assert float(loss) == pytest.approx(16.5**2 / 25)


@pytest.mark.parametrize(
    ("count", "rule", "counts"),
    [(0, "any", False), (1, "any", True), (1, "half", False), (2, "half", True)],
)
def test_how_many_cells_make_a_coarse_one_count(count, rule, counts):
    cells = torch.zeros(1, 2, 2, dtype=torch.bool)
    cells.flatten()[:count] = True
    assert coarse_cells(cells, 2, rule).flatten().tolist() == [counts]


def test_what_is_logged_does_not_change_what_is_minimised():
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    loss = x.square().sum()
    shown = logged_as(loss, loss / 13)
    assert float(shown.detach()) == pytest.approx(1.0)
    (gradient,) = torch.autograd.grad(shown, x)
    assert gradient.tolist() == [4.0, 6.0]


def test_halves_are_compared_in_full_precision():
    teacher = normal(1, 3, 4, 4).float()
    student = normal(1, 3, 4, 4, seed=1).bfloat16()
    every = torch.ones(1, 4, 4, dtype=torch.bool)
    found = distillation_loss(teacher, student, every)
    torch.testing.assert_close(found, distillation_loss(teacher, student.float(), every))
    assert found.dtype == torch.float32
