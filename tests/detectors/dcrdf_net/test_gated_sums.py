"""The gate's channel sums against plain operations, values and gradients."""

import pytest
import torch

from dcrdf.detectors.dcrdf_net.gated_sums import gated_sums


def inputs(kind=torch.float64):
    generator = torch.Generator().manual_seed(5)
    shapes = [(3, 4), (3, 4, 5, 6)] * 2
    made = [torch.randn(shape, generator=generator, dtype=kind) for shape in shapes]
    return [x.sigmoid().requires_grad_() if x.ndim == 2 else x.requires_grad_() for x in made]


def plain(gate_a, a, gate_b, b):
    a, b = gate_a[:, :, None, None] * a, gate_b[:, :, None, None] * b
    return torch.stack([a.abs().sum(1), b.abs().sum(1), (a - b).abs().sum(1)], dim=1)


def test_sums_and_gradients_are_those_of_plain_operations():
    given, same = inputs(), inputs()
    weights = torch.randn(3, 3, 5, 6, generator=torch.Generator().manual_seed(6)).double()
    ours, expected = gated_sums(*given), plain(*same)
    assert torch.allclose(ours, expected, atol=1e-12)
    (ours * weights).sum().backward()
    (expected * weights).sum().backward()
    for x, y in zip(given, same, strict=True):
        assert torch.allclose(x.grad, y.grad, atol=1e-12)


def test_gradients_against_finite_differences():
    assert torch.autograd.gradcheck(gated_sums, inputs())


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_half_precision_is_summed_in_float32(kind):
    given = inputs(kind)
    sums = gated_sums(*given)
    assert sums.dtype == torch.float32
    assert torch.allclose(sums, plain(*given).float(), rtol=0.02, atol=0.05)
    sums.sum().backward()
    assert all(x.grad.dtype == kind for x in given)
