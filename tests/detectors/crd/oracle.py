"""What a branch of Crossmodal Reverse Distillation computes, clear and slow, in float64.

Nothing here imports the package. Weights are the tensors of a state dict in the order of `layers`;
`parts_of` is the one place that knows how the package names its parts. Features are lists of three
maps, fine to coarse. A stands for a branch's own modality, B for the other one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from .layers import Block, Layer, layers_of

PARTS = ("filter", "amplifier", "bottleneck", "decoder")
BOTTLENECK_ORDER = ("first", "second", "third", "embed")
MIXING = "mixing"
NORM_EPS = 1e-5


# What the package calls its parts -----------------------------------------------------------------


def parts_of(branch, take=lambda x: x.detach().double().clone()):
    """The tensors of a branch by part, in the order of `layers`, and `mixing` (3, 2).

    `take` makes something else of each tensor (its gradient, say). Expected of a branch: modules of
    the names in `PARTS`, None or without weights where a part is absent; `mixing` in the decoder;
    the layers of a projection registered stage by stage from fine to coarse, those of the decoder
    stages first (from coarse to fine), then heads; of a block the body before the shortcut.
    """
    parts: dict[str, Any] = {}
    for name in PARTS:
        module = getattr(branch, name, None)
        state = {} if module is None else dict(module.state_dict(keep_vars=True))
        if MIXING in state:
            parts[MIXING] = take(state.pop(MIXING))
        keys = [key for key in state if not key.endswith("num_batches_tracked")]
        if name == "bottleneck":
            keys.sort(key=lambda key: BOTTLENECK_ORDER.index(key.split(".")[0]))
        parts[name] = [take(state[key]) for key in keys]
    return parts


# Weights ---


class Loaded(NamedTuple):
    """A layer and its tensors."""

    layer: Layer
    tensors: list[torch.Tensor]


def loaded(nested, tensors: list[torch.Tensor]):
    """The layers with their tensors, in order; every tensor is used and has the layer's shape."""
    left = iter(tensors)

    def load(inner):
        if isinstance(inner, Block):
            return Block(*map(load, inner))
        if not isinstance(inner, Layer):
            return [load(x) for x in inner]
        own = [next(left) for _ in range(2 if inner.kind == "head" else 5)]
        pair = (inner.inputs, inner.outputs)
        shape = (*(pair if inner.kind == "up" else pair[::-1]), inner.kernel, inner.kernel)
        assert tuple(own[0].shape) == shape, (inner, own[0].shape)
        assert all(x.shape == (inner.outputs,) for x in own[1:]), inner
        return Loaded(inner, own)

    result = load(nested)
    assert next(left, None) is None, "there are more weights than layers"
    return result


def run(nested, x: torch.Tensor, training: bool) -> torch.Tensor:
    """(B, C, H, W) through loaded layers, one after another."""
    if isinstance(nested, Block):
        return (run(nested.body, x, training) + run(nested.shortcut, x, training)).relu()
    if not isinstance(nested, Loaded):
        for inner in nested:
            x = run(inner, x, training)
        return x
    layer, (weight, *rest) = nested
    if layer.kind == "head":
        return functional.conv2d(x, weight, rest[0])
    if layer.kind == "up":
        x = functional.conv_transpose2d(x, weight, stride=2)
    else:
        x = functional.conv2d(x, weight, stride=layer.stride, padding=(layer.kernel - 1) // 2)
    gain, shift, mean, variance = rest
    if training:  # the batch's own statistics, with the biased variance
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
    column = (None, slice(None), None, None)
    x = (x - mean[column]) / (variance[column] + NORM_EPS).sqrt() * gain[column] + shift[column]
    return x.relu() if layer.relu else x


class Output(NamedTuple):
    """What a branch makes of a pair of features: F_D, F_CA, F_BP and F_IBP, None where absent."""

    decoded: list[torch.Tensor]
    fused: list[torch.Tensor] | None
    projected: list[torch.Tensor] | None
    amplified: list[torch.Tensor] | None


class Stopped:
    """A gradient does not pass what is stopped: a finite difference moves parameters and holds the
    values that the first run had here."""

    def __init__(self) -> None:
        self.held: list[torch.Tensor] = []
        self.replayed: Iterator[torch.Tensor] | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.replayed is not None:
            return next(self.replayed)
        self.held.append(x)
        return x

    def again(self) -> "Stopped":
        """For the next run."""
        self.replayed = iter(self.held)
        return self


def projection(nested, tensors, features, training: bool = False):
    """Per stage; None where there are no layers."""
    if not nested:
        return None
    pairs = zip(loaded(nested, tensors), features, strict=True)
    return [run(stage, x, training) for stage, x in pairs]


Stop = Callable[[torch.Tensor], torch.Tensor]


def student(
    parts: Mapping[str, Any], own, projected, amplified, shape, options, training: bool, stop: Stop
) -> tuple[list[torch.Tensor], list[torch.Tensor] | None]:
    """F_D and F_CA from A's features, and what was made of B's. `amplified` may be left out."""
    layers = layers_of(shape, options)
    first, second, third, embed = loaded(layers["bottleneck"], parts["bottleneck"])
    if projected is not None:
        own = [torch.cat(pair, dim=1) for pair in zip(own, projected, strict=True)]
    ways = [run(way, x, training) for way, x in zip((first, second, third), own, strict=True)]
    x = run(embed, torch.cat(ways, dim=1), training)
    stages, heads = loaded(layers["decoder"], parts["decoder"])
    decoded, fused = [], []
    for number, (stage, head) in enumerate(zip(stages, heads, strict=True)):
        x = run(stage, x, training)
        d = run(head, x, training)
        decoded.append(d)
        passed = d
        if amplified is not None:
            a = amplified[2 - number]
            weights = parts[MIXING][number].exp()
            p, q = weights / weights.sum()
            if options.stop_gradient == "output":
                fused.append(p * stop(d) + q * stop(a))
                passed = stop(p) * d + stop(q) * a
            else:
                fused.append(p * d + q * a)
                passed = fused[-1]
        # A branch without amplifier is the plain student; one whose amplifier is left out is not.
        if options.amplifier != "none" and options.mixing == "between":
            x = passed
    return decoded[::-1], fused[::-1] if amplified is not None else None


def branch(
    parts, own, other, shape, options, training: bool = False, stop: Stop = lambda x: x
) -> Output:
    """Branch A with A's features and B's."""
    layers = layers_of(shape, options)
    projected = projection(layers["filter"], parts["filter"], other, training)
    amplified = projection(layers["amplifier"], parts["amplifier"], other, training)
    decoded, fused = student(parts, own, projected, amplified, shape, options, training, stop)
    return Output(decoded, fused, projected, amplified)


def alone(parts, own, shape, options, training: bool = False) -> list[torch.Tensor]:
    """F_D of a branch in form (a): A's features in F_BP's place, and no amplifier."""
    projected = None if options.filter == "none" else own
    return student(parts, own, projected, None, shape, options, training, lambda x: x)[0]


def imagined(parts_of_other, own, shape, options):
    """B's features as branch B's own projection makes them of A's."""
    layers = layers_of(shape, options)
    part = "amplifier" if options.filter == "none" else "filter"
    return projection(layers[part], parts_of_other[part], own)


def own_features(parts, parts_of_other, own, shape, options) -> list[torch.Tensor]:
    """F_D of branch A as if B were absent."""
    has_assistant = (options.filter, options.amplifier) != ("none", "none")
    if options.absent == "own" or not has_assistant:
        return alone(parts, own, shape, options)
    stand_in = imagined(parts_of_other, own, shape, options)
    return branch(parts, own, stand_in, shape, options).decoded
