"""Losses of both stages, masks and scales against loops; what a mask keeps from them."""

import numpy as np
import pytest
import torch

from . import binding, made, values

CONDITION = 8
SCALES = [(1,), (2,), (4,), (1, 2), (1, 4), (2, 4), (1, 2, 4)]


def images(side, channels=3, count=2):
    """Of each image z of teacher and student, and a mask."""
    return [
        (
            made.maps(10 + at, channels, side, side),
            made.maps(20 + at, channels, side, side),
            made.mask(30 + at, side, side, share=0.2),
        )
        for at in range(count)
    ]


# The flow's ---------------------------------------------------------------------------------------


def flow_images():
    return [
        (made.maps(at, 3, 2, 4), made.maps(9 + at, 2, 4), made.mask(5 + at, 2, 4))
        for at in range(3)
    ]


def test_the_flows_loss_is_that_of_the_loops():
    shown = flow_images()
    assert 0 < sum(mask.sum() for *_, mask in shown) < 24
    assert binding.flow_loss(shown) == pytest.approx(values.flow_loss(shown), rel=1e-12)
    unmasked = [(z, log_det, None) for z, log_det, _ in shown]
    assert binding.flow_loss(unmasked) == pytest.approx(values.flow_loss(unmasked), rel=1e-12)


def test_the_flows_loss_of_four_places_by_hand():
    z = np.array([[[1.0, 2.0], [3.0, 0.0]], [[1.0, 0.0], [4.0, 5.0]]])
    log_det = np.array([[0.5, 1.0], [2.5, 7.0]])
    mask = np.array([[True, True], [True, False]])
    # halves of squares 1, 2, 12.5, less 0.5, 1, 2.5; over four places
    assert binding.flow_loss([(z, log_det, mask)]) == pytest.approx((0.5 + 1.0 + 10.0) / 4)


def test_nothing_of_the_part_is_no_loss():
    shown = [(z, log_det, np.zeros_like(mask)) for z, log_det, mask in flow_images()]
    assert binding.flow_loss(shown) == 0.0
    shown = [(one, other, np.zeros_like(mask)) for one, other, mask in images(8)]
    assert binding.student_loss(shown, (1, 2, 4)) == 0.0


def gradients(flow, x, c, mask):
    """Loss and gradients by parameter, of one image."""
    for parameter in flow.parameters():
        parameter.grad = None
    z, log_det = binding.flow_tensors(flow, torch.from_numpy(x), torch.from_numpy(c))
    loss = binding.flow_loss_tensor(z[None], log_det[None], torch.from_numpy(mask)[None])
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in flow.named_parameters()}


@pytest.mark.parametrize("reached", [False, True])
def test_what_is_masked_and_out_of_reach_changes_no_bit(reached):
    """A block of two 3 x 3 convolutions in each of two nets reaches 4 cells far."""
    x, c = made.maps(1, 4, 2, 12), made.maps(2, CONDITION, 2, 12)
    mask = np.zeros((2, 12), bool)
    mask[:, :4] = True
    flow = binding.flow_of(made.flow(3, 4, CONDITION, kernels=(3,)))
    changed = x.copy()
    changed[:, :, 7 if reached else 8 :] += 3.0
    (loss, slopes), (other, other_slopes) = (gradients(flow, y, c, mask) for y in (x, changed))
    assert torch.equal(loss, other) != reached
    assert all(torch.equal(slope, other_slopes[name]) for name, slope in slopes.items()) != reached
    assert any(slope.any() for slope in slopes.values())


# The student's ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["any", "half"])
@pytest.mark.parametrize("scales", SCALES, ids=str)
def test_the_students_loss_is_that_of_the_loops(scales, rule):
    shown = images(8)
    expected = values.student_loss(shown, scales, rule)
    assert binding.student_loss(shown, scales, rule) == pytest.approx(expected, rel=1e-12)
    unmasked = [(one, other, None) for one, other, _ in shown]
    expected = values.student_loss(unmasked, scales, rule)
    assert binding.student_loss(unmasked, scales, rule) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rule", ["any", "half"])
def test_partial_windows_average_what_is_there(rule):
    shown = images(6)
    shown[0][2][:4] = False  # the last window, of 2 x 2, counts by its own cells
    shown[0][2][4:, 4:] = [[True, True], [False, False]]
    expected = values.student_loss(shown, (1, 2, 4), rule)
    assert binding.student_loss(shown, (1, 2, 4), rule) == pytest.approx(expected, rel=1e-12)
    shown = images(18, channels=2, count=1)
    expected = values.student_loss(shown, (4,), rule)
    assert binding.student_loss(shown, (4,), rule) == pytest.approx(expected, rel=1e-12)


def test_the_finest_scale_alone_is_a_masked_mean_of_squares():
    shown = images(8)
    taught, learnt, mask = (np.stack(x) for x in zip(*shown, strict=True))
    expected = (((taught - learnt) ** 2).mean(axis=1) * mask).mean()
    assert binding.student_loss(shown, (1,)) == pytest.approx(expected, rel=1e-12)


def test_a_checkerboard_is_an_error_at_the_finest_scale_alone():
    board = np.indices((8, 8)).sum(axis=0) % 2 * 2.0 - 1.0
    everywhere = np.ones((8, 8), bool)
    shown = [(np.zeros((2, 8, 8)), np.stack([board, -board]), everywhere)]
    assert binding.student_loss(shown, (2,)) == binding.student_loss(shown, (4,)) == 0.0
    assert binding.student_loss(shown, (1,)) == 1.0
    assert binding.student_loss(shown, (1, 2, 4)) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("rule", "counts"), [("any", 1.0), ("half", 0.0)])
def test_one_cell_of_the_part_makes_its_coarse_cell_count_or_not(rule, counts):
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    shown = [(np.zeros((3, 4, 4)), np.full((3, 4, 4), 2.0), mask)]
    # four times the square over one of four windows, and over the only one
    assert binding.student_loss(shown, (2,), rule) == pytest.approx(counts * 4.0 / 4)
    assert binding.student_loss(shown, (4,), rule) == pytest.approx(counts * 4.0)


def test_half_of_a_window_is_enough_for_half():
    mask = np.zeros((2, 2), bool)
    mask[0] = True
    shown = [(np.zeros((1, 2, 2)), np.ones((1, 2, 2)), mask)]
    assert binding.student_loss(shown, (2,), "half") == 1.0


def test_the_student_alone_learns_from_its_loss():
    taught, learnt, mask = (torch.from_numpy(x)[None] for x in images(8)[0])
    taught.requires_grad_()
    learnt.requires_grad_()
    binding.student_loss_tensor(taught, learnt, mask, (1, 2, 4), "any").backward()
    assert learnt.grad.any()
    off = ~torch.from_numpy(values.pooled_mask(mask[0].numpy(), 4, "any"))
    off = off.repeat_interleave(4, 0).repeat_interleave(4, 1)
    assert not learnt.grad[0, :, off].any()
