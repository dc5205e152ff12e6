"""The teacher's flow against loops: values, determinant, inverse, start, permutations, counts."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from . import binding, made, oracle

CONDITION = 8


def inputs(channels, height=3, width=4):
    return made.maps(11, channels, height, width), made.maps(12, CONDITION, height, width)


@pytest.mark.parametrize("channels", [2, 5, 6])
@pytest.mark.parametrize("clamp", [1.9, 0.7])
def test_values_and_determinant_are_those_of_the_loops(channels, clamp):
    blocks = made.flow(1, channels, CONDITION)
    x, c = inputs(channels)
    z, log_det = binding.run_flow(binding.flow_of(blocks, clamp), x, c)
    expected, expected_log_det = oracle.flow(blocks, x, c, clamp)
    np.testing.assert_allclose(z, expected, atol=1e-12)
    np.testing.assert_allclose(log_det, expected_log_det, atol=1e-12)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("channels", [5, 6, 368])
def test_the_inverse_gives_back_what_went_in(channels, dtype, bound):
    blocks = made.flow(2, channels, CONDITION)
    x, c = inputs(channels)
    flow = binding.flow_of(blocks, dtype=dtype)
    z, _ = binding.run_flow(flow, x, c)
    back = binding.run_inverse(flow, z, c)
    assert np.abs(back - x).max() < bound
    np.testing.assert_allclose(back, oracle.inverse_flow(blocks, z, c), atol=bound)


@pytest.mark.parametrize("with_condition", [True, False])
def test_the_determinant_is_that_of_the_jacobian(with_condition):
    blocks = made.flow(3, 5, CONDITION, gamma=0.7, spread=0.2)
    flow, (x, c) = binding.flow_of(blocks), inputs(5, 3, 3)
    c = c if with_condition else np.zeros_like(c)
    jacobian = torch.autograd.functional.jacobian(
        lambda flat: binding.flow_tensors(flow, flat.reshape(x.shape), torch.from_numpy(c))[0],
        torch.from_numpy(x).ravel(),
    )
    _, expected = torch.linalg.slogdet(jacobian.reshape(45, 45))
    _, log_det = binding.run_flow(flow, x, c)
    assert log_det.sum() == pytest.approx(expected.item(), abs=1e-9)
    assert abs(expected.item()) > 0.1


@pytest.mark.parametrize("channels", [5, 8])
def test_at_the_start_channels_are_permuted_and_nothing_else(channels):
    torch.manual_seed(0)
    x, c = inputs(channels)
    flow = binding.new_flow(channels, CONDITION).double()
    z, log_det = binding.run_flow(flow, x, c)
    np.testing.assert_array_equal(z, x[oracle.composed(oracle.orders(channels, 4))])
    assert not log_det.any()


def test_permutations_depend_on_no_seed_and_are_kept():
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(binding.permutations_of(binding.new_flow(7, CONDITION)))
    np.testing.assert_array_equal(*found)
    np.testing.assert_array_equal(found[0], oracle.orders(7, 4))
    one, other = (binding.new_flow(7, CONDITION) for _ in range(2))
    for _, buffer in other.named_buffers():
        buffer.zero_()
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(binding.permutations_of(other), oracle.orders(7, 4))


@pytest.mark.parametrize("clamp", [1.9, 0.5])
def test_scales_are_clamped_softly(clamp):
    s = np.array([-1e30, -50.0, -1.0, -1e-6, 0.0, 1e-6, 0.3, 1.0, 50.0, 1e30])
    found = binding.log_scale(s, clamp)
    np.testing.assert_allclose(found, oracle.log_scale(s, clamp), rtol=1e-12)
    assert np.abs(found).max() < clamp
    assert (found[5] - found[3]) / 2e-6 == pytest.approx(0.636, abs=1e-9)


def constant(blocks, generator):
    """Nets that give numbers of their own, whatever they read."""

    def net(old):
        second = oracle.Convolution(np.zeros_like(old.second.weight), old.second.bias)
        return oracle.Net(
            old.first, second._replace(bias=generator.normal(size=len(second.bias))), old.gamma
        )

    return [block._replace(net1=net(block.net1), net2=net(block.net2)) for block in blocks]


def test_the_likelihood_of_an_affine_map_is_the_normal_density():
    """By hand: x is moved and scaled channel by channel, so its density is normal too."""
    channels = 4
    generator = np.random.default_rng(5)
    (block,) = constant(made.flow(4, channels, CONDITION, kernels=(3,), gamma=0.8), generator)
    x, c = inputs(channels, 1, 1)
    s2, t2 = np.split(0.8 * block.net2.second.bias, 2)
    s1, t1 = np.split(0.8 * block.net1.second.bias, 2)
    factor = np.exp(1.9 * 0.636 * np.arctan(np.concatenate([s2, s1]) / 1.9))
    shift = np.concatenate([t2, t1])
    density = stats.multivariate_normal(-shift / factor, np.diag(1 / factor**2))
    z, log_det = binding.run_flow(binding.flow_of([block]), x, c)
    found = math.exp(-binding.nll(z, log_det).item()) * (2 * math.pi) ** (-channels / 2)
    assert found == pytest.approx(density.pdf(x[block.order, 0, 0]), rel=1e-12)


def test_published_sizes_have_the_published_count():
    with torch.device("meta"):
        flow = binding.new_flow(368, 32, hidden=64)
    assert binding.learnt(flow) == oracle.flow_parameters(368, 32, (3, 3, 3, 5), 64) == 3_890_568


def test_odd_channels_are_counted():
    flow = binding.new_flow(7, CONDITION, hidden=5)
    assert binding.learnt(flow) == oracle.flow_parameters(7, CONDITION, (3, 3, 3, 5), 5)
