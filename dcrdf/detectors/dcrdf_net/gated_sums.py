"""Channel sums of gated features, without keeping the gated features.

Written as plain operations, the gate's three maps hold a dozen tensors of all channels at stride 4
until the backward pass, and a third of a training's CPU time went into them.
"""

from typing import Any

import torch
from torch import Tensor


def gated_sums(gate_a: Tensor, a: Tensor, gate_b: Tensor, b: Tensor) -> Tensor:
    """Sums over channels of |g_a a|, |g_b b| and |g_a a - g_b b|: (B, 3, H, W) float32.

    Gates (B, C), features (B, C, H, W). The backward pass computes the products anew.
    """
    if torch.compiler.is_compiling() and not torch.is_grad_enabled():  # a graph for inference
        return _sums(gate_a, a, gate_b, b)
    sums: Tensor = _GatedSums.apply(gate_a, a, gate_b, b)  # type: ignore[no-untyped-call]
    return sums


class _GatedSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        return torch.cat([_sums(*part) for part in _parts(inputs)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        parts = _parts((gradients[0], *ctx.saved_tensors))
        return tuple(torch.cat(x) for x in zip(*map(_gradients, parts), strict=True))


def _parts(tensors: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """On a CPU image by image, which stays in its caches; on a GPU in one piece."""
    size = 1 if tensors[0].device.type == "cpu" else len(tensors[0])
    return list(zip(*(x.split(size) for x in tensors), strict=True))


def _gated(gate: Tensor, features: Tensor) -> Tensor:
    return gate[:, :, None, None] * features


def _sums(gate_a: Tensor, a: Tensor, gate_b: Tensor, b: Tensor) -> Tensor:
    gated_a, gated_b = _gated(gate_a, a), _gated(gate_b, b)
    difference = gated_a - gated_b
    kind = torch.promote_types(difference.dtype, torch.float32)
    absolute = (gated_a.abs_(), gated_b.abs_(), difference.abs_())
    return torch.stack([x.sum(dim=1, dtype=kind) for x in absolute], dim=1)


def _gradients(part: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    gradient, gate_a, a, gate_b, b = part
    of_a, of_b, of_difference = gradient.unsqueeze(2).unbind(dim=1)
    gated_a, gated_b = _gated(gate_a, a), _gated(gate_b, b)
    shared = torch.sgn(gated_a - gated_b) * of_difference
    to_a = gated_a.sgn_() * of_a + shared
    to_b = gated_b.sgn_() * of_b - shared
    return (
        (to_a * a).sum(dim=(2, 3)).to(gate_a.dtype),
        _gated(gate_a, to_a).to(a.dtype),
        (to_b * b).sum(dim=(2, 3)).to(gate_b.dtype),
        _gated(gate_b, to_b).to(b.dtype),
    )
