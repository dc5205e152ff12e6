"""The conditional flow: inverse, determinant, likelihood, permutations, start."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.nn import functional

from dcrdf.detectors.flow_distillation.flow import (
    ConditionalFlow,
    CouplingNet,
    edges_repeated,
    soft_clamped,
)
from dcrdf.detectors.flow_distillation.losses import unlikeliness

from .small import encoding, flow_of, normal


@pytest.mark.parametrize("channels", [5, 6, 368])
@pytest.mark.parametrize("condition", [0, 32])
def test_the_inverse_undoes_it(channels, condition):
    flow, where = flow_of(channels, condition), encoding(2, 6, condition)
    x = normal(2, channels, 6, 6)
    z, _ = flow(x, where)
    assert (z - x).abs().mean() > 0.1
    assert (flow.inverse(z, where) - x).abs().max() < 1e-12
    flow = flow.float()
    z, _ = flow(x.float(), where)
    assert z.dtype == torch.float32
    assert (flow.inverse(z, where) - x).abs().max() < 1e-4


@pytest.mark.parametrize("condition", [0, 8])
def test_log_det_is_the_jacobians(condition):
    flow = flow_of(5, condition, gamma=0.7, spread=0.05, kernels=(3, 1, 5))
    where, x = encoding(1, 3, condition), normal(1, 5, 3, 3)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, where)[0].flatten(), x)
    expected = torch.linalg.slogdet(jacobian.reshape(45, 45)).logabsdet
    log_det = flow(x, where)[1]
    assert log_det.shape == (1, 3, 3)
    assert abs(float(log_det.detach().sum() - expected)) < 1e-9
    assert abs(float(expected)) > 0.01


def test_it_starts_as_the_blocks_permutations():
    flow = ConditionalFlow(7, 4)
    x = normal(2, 7, 3, 3).float()
    order = np.arange(7)
    for number in range(4):
        order = order[np.random.RandomState(number).permutation(7)]
    z, log_det = flow(x, encoding(2, 3, 4))
    assert torch.equal(z, x[:, order])
    assert not log_det.any()


def test_permutations_depend_on_no_global_state_and_survive_the_disk():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    one = ConditionalFlow(9, 4)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    other = ConditionalFlow(9, 4)
    for number, pair in enumerate(zip(one.blocks, other.blocks, strict=True)):
        assert torch.equal(pair[0].permutation, pair[1].permutation)
        expected = np.random.RandomState(number).permutation(9)
        assert pair[0].permutation.tolist() == expected.tolist()
    other.blocks[0].permutation.zero_()
    other.load_state_dict(one.state_dict())
    assert torch.equal(other.blocks[0].permutation, one.blocks[0].permutation)


def test_the_soft_clamp_and_its_slope():
    scale = torch.tensor([-1e9, -3.0, 0.0, 3.0, 1e9], dtype=torch.float64, requires_grad=True)
    clamped = soft_clamped(scale, 1.9)
    assert (clamped.abs() < 1.9).all()
    (slope,) = torch.autograd.grad(clamped.sum(), scale)
    assert float(slope[2]) == pytest.approx(0.636)
    assert float(clamped[3].detach()) == pytest.approx(1.9 * 0.636 * math.atan(3 / 1.9))


def test_an_affine_flow_is_a_normal_density():
    """Convolutions without weights: scales and shifts are their biases."""
    flow = flow_of(4, 0, gamma=1.0, kernels=(1,))
    block = flow.blocks[0]
    biases = {"of_first": [0.3, -0.4, 1.0, 2.0], "of_second": [-0.2, 0.5, -1.0, 0.5]}
    with torch.no_grad():
        for name, values in biases.items():
            net = getattr(block, name)
            net.conv1.weight.zero_()
            net.conv2.weight.zero_()
            net.conv2.bias.copy_(torch.tensor(values))
    # Channels of the first half are scaled and shifted by what the second says.
    logs = [1.9 * 0.636 * math.atan(s / 1.9) for s in (-0.2, 0.5, 0.3, -0.4)]
    shifts = [-1.0, 0.5, 1.0, 2.0]
    order = block.permutation.numpy()
    mean, variance = np.zeros(4), np.zeros(4)
    mean[order] = [-t * math.exp(-s) for s, t in zip(logs, shifts, strict=True)]
    variance[order] = np.exp(-2 * np.array(logs))
    x = normal(1, 4, 1, 1)
    density = multivariate_normal(mean, np.diag(variance)).pdf(x.flatten().numpy())
    ours = torch.exp(-unlikeliness(*flow(x, None))) * (2 * math.pi) ** -2
    assert float(ours.detach()) == pytest.approx(float(density), rel=1e-12)


@pytest.mark.parametrize("border", [0, 1, 2])
def test_edges_are_repeated_as_torch_repeats_them(border):
    x = normal(2, 3, 2, 4)
    expected = functional.pad(x, [border] * 4, mode="replicate")
    assert torch.equal(edges_repeated(x, border), expected)


def test_nets_keep_the_grid_and_see_their_kernels_reach():
    torch.manual_seed(0)
    net = CouplingNet(3, 4, 5, 8).double()
    with torch.no_grad():
        net.gamma.fill_(1.0)
    x = normal(1, 3, 12, 12).requires_grad_()
    out = net(x)
    assert out.shape == (1, 4, 12, 12)
    (gradient,) = torch.autograd.grad(out[0, :, 5, 5].sum(), x)
    seen = gradient[0].abs().sum(dim=0) > 0
    assert seen.nonzero().amin(dim=0).tolist() == [1, 1]
    assert seen.nonzero().amax(dim=0).tolist() == [9, 9]


def test_it_is_computed_in_full_precision_under_autocast():
    flow = flow_of(6, 4).float()
    x, where = normal(2, 6, 4, 4).float(), encoding(2, 4, 4)
    plain = flow(x, where)
    with torch.autocast("cpu", torch.bfloat16):
        under = flow(x, where)
        back = flow.inverse(under[0], where)
    assert all(map(torch.equal, plain, under))
    assert (back - x).abs().max() < 1e-4
    half = flow(x.bfloat16(), where)[0]
    assert half.dtype == torch.float32


def test_the_papers_size():
    assert sum(x.numel() for x in ConditionalFlow(368).parameters()) == 3_890_568


def test_both_halves_change_and_the_condition_counts():
    flow = flow_of(6, 4, kernels=(3,))
    x, where = normal(1, 6, 4, 4), encoding(1, 4, 4)
    other = copy.deepcopy(where) + 1.0
    permuted = x[:, flow.blocks[0].permutation]
    z = flow(x, where)[0]
    assert ((z - permuted).abs().amax(dim=(0, 2, 3)) > 1e-3).all()
    assert not torch.allclose(z, flow(x, other)[0])
