"""What the flow and its student compute, clear and slow, in numpy's float64 and by loops.

Nothing here imports the package or torch. An image's map is (C, h, w); a mask (h, w). Sources:
Rudolph et al., WACV 2023 (AST); Qin et al., "Multi-Scale Distillation for RGB-D Anomaly Detection".
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CLAMP = 1.9
SLOPE = 0.636
NORM_EPS = 1e-5
LEAK = 0.01


class Convolution(NamedTuple):
    """Weights (outputs, inputs, k, k) and bias (outputs,)."""

    weight: np.ndarray
    bias: np.ndarray


class Net(NamedTuple):
    """Two convolutions with ReLU between them, and a factor for what comes out."""

    first: Convolution
    second: Convolution
    gamma: float


class Coupling(NamedTuple):
    """A block of the flow: channel i of what it couples is channel `order[i]` of what it gets."""

    order: np.ndarray
    net1: Net
    net2: Net


class Norm(NamedTuple):
    """Batch norm by running statistics, each (C,)."""

    gain: np.ndarray
    shift: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


class Residual(NamedTuple):
    """Two convolutions, each with its norm."""

    conv1: Convolution
    bn1: Norm
    conv2: Convolution
    bn2: Norm


class Student(NamedTuple):
    """The residual CNN."""

    first: Convolution
    blocks: Sequence[Residual]
    last: Convolution


# Convolution --------------------------------------------------------------------------------------


def padded(x, margin, padding):
    """(C, h, w) with a margin of zeros (`zero`) or of the nearest values (`replicate`)."""
    channels, height, width = x.shape
    result = np.zeros((channels, height + 2 * margin, width + 2 * margin))
    for row in range(height + 2 * margin):
        for col in range(width + 2 * margin):
            near_row = min(max(row - margin, 0), height - 1)
            near_col = min(max(col - margin, 0), width - 1)
            is_inside = (near_row, near_col) == (row - margin, col - margin)
            if is_inside or padding == "replicate":
                result[:, row, col] = x[:, near_row, near_col]
    return result


def convolved(x, convolution, padding):
    """Same size, odd kernel: the sum of products at each place."""
    weight, bias = convolution
    outputs, _, kernel, _ = weight.shape
    wide = padded(x, kernel // 2, padding)
    result = np.zeros((outputs, *x.shape[1:]))
    flat = weight.reshape(outputs, -1)
    for row in range(x.shape[1]):
        for col in range(x.shape[2]):
            patch = wide[:, row : row + kernel, col : col + kernel]
            result[:, row, col] = flat @ patch.ravel() + bias
    return result


# Positions ----------------------------------------------------------------------------------------


def encoding(channels, height, width):
    """Sines and cosines: of the column in the first half of the channels, then of the row."""
    half = channels // 2
    result = np.zeros((channels, height, width))
    for row in range(height):
        for col in range(width):
            for k in range(half // 2):
                frequency = 10000.0 ** (-2.0 * k / half)
                result[2 * k, row, col] = math.sin(col * frequency)
                result[2 * k + 1, row, col] = math.cos(col * frequency)
                result[half + 2 * k, row, col] = math.sin(row * frequency)
                result[half + 2 * k + 1, row, col] = math.cos(row * frequency)
    return result


# The flow -----------------------------------------------------------------------------------------


def log_scale(s, clamp=CLAMP):
    """L(s): the logarithm of what a channel is multiplied with."""
    return clamp * SLOPE * np.arctan(s / clamp)


def scale_and_shift(net, x, condition):
    """(s, t): the halves of what a net gives."""
    given = np.concatenate([x, condition])
    hidden = np.maximum(convolved(given, net.first, "replicate"), 0.0)
    both = net.gamma * convolved(hidden, net.second, "replicate")
    half = len(both) // 2
    return both[:half], both[half:]


def coupled(block, x, condition, clamp=CLAMP):
    """One block: (y, log of the determinant at every place)."""
    x = np.stack([x[channel] for channel in block.order])
    middle = len(x) // 2
    x1, x2 = x[:middle], x[middle:]
    s2, t2 = scale_and_shift(block.net2, x2, condition)
    y1 = np.exp(log_scale(s2, clamp)) * x1 + t2
    s1, t1 = scale_and_shift(block.net1, y1, condition)
    y2 = np.exp(log_scale(s1, clamp)) * x2 + t1
    log_det = log_scale(s1, clamp).sum(axis=0) + log_scale(s2, clamp).sum(axis=0)
    return np.concatenate([y1, y2]), log_det


def uncoupled(block, y, condition, clamp=CLAMP):
    """The x that a block turns into y."""
    middle = len(y) // 2
    y1, y2 = y[:middle], y[middle:]
    s1, t1 = scale_and_shift(block.net1, y1, condition)
    x2 = (y2 - t1) / np.exp(log_scale(s1, clamp))
    s2, t2 = scale_and_shift(block.net2, x2, condition)
    x1 = (y1 - t2) / np.exp(log_scale(s2, clamp))
    shuffled = np.concatenate([x1, x2])
    x = np.zeros_like(shuffled)
    for place, channel in enumerate(block.order):
        x[channel] = shuffled[place]
    return x


def flow(blocks, x, condition, clamp=CLAMP):
    """x -> (z, log of the determinant at every place)."""
    total = np.zeros(x.shape[1:])
    for block in blocks:
        x, log_det = coupled(block, x, condition, clamp)
        total = total + log_det
    return x, total


def inverse_flow(blocks, z, condition, clamp=CLAMP):
    """z -> x."""
    for block in reversed(blocks):
        z = uncoupled(block, z, condition, clamp)
    return z


def orders(channels, count):
    """The fixed permutations of the blocks."""
    return [np.random.RandomState(k).permutation(channels) for k in range(count)]


def composed(permutations):
    """`x[composed(p)]` is what comes of taking `x[p_0]`, of that `[p_1]`, and so on."""
    result = []
    for place in range(len(permutations[0])):
        channel = place
        for permutation in reversed(permutations):
            channel = int(permutation[channel])
        result.append(channel)
    return result


# The student --------------------------------------------------------------------------------------


def activated(x):
    return np.where(x > 0, x, LEAK * x)


def normed(images, norm, training):
    """Each channel by its running statistics, or by those of the images (biased variance)."""
    results = [np.zeros_like(x) for x in images]
    for channel in range(len(images[0])):
        mean, variance = norm.mean[channel], norm.variance[channel]
        if training:
            values = np.stack([x[channel] for x in images])
            mean, variance = values.mean(), ((values - values.mean()) ** 2).mean()
        for x, result in zip(images, results, strict=True):
            scaled = (x[channel] - mean) / math.sqrt(variance + NORM_EPS)
            result[channel] = scaled * norm.gain[channel] + norm.shift[channel]
    return results


def student(weights, images, condition, training=False):
    """What the student says z is, of each of the images."""

    def every(function, images, *more):
        return [function(x, *more) for x in images]

    given = [np.concatenate([x, condition]) for x in images]
    shown = every(activated, every(convolved, given, weights.first, "zero"))
    for block in weights.blocks:
        inner = every(convolved, shown, block.conv1, "zero")
        inner = every(activated, normed(inner, block.bn1, training))
        inner = every(convolved, inner, block.conv2, "zero")
        inner = every(activated, normed(inner, block.bn2, training))
        shown = [x + y for x, y in zip(shown, inner, strict=True)]
    return every(convolved, shown, weights.last, "zero")


# Counts -------------------------------------------------------------------------------------------


def convolution_parameters(inputs, outputs, kernel):
    return inputs * outputs * kernel**2 + outputs


def flow_parameters(channels, condition, kernels, hidden):
    """Learnt numbers of a flow: both nets of each block with their factors."""
    small, large = channels // 2, channels - channels // 2
    total = 0
    for kernel in kernels:
        for inputs, moved in ((large, small), (small, large)):
            total += convolution_parameters(inputs + condition, hidden, kernel)
            total += convolution_parameters(hidden, 2 * moved, kernel) + 1
    return total


def student_parameters(channels, condition, width, blocks):
    """Learnt numbers of a student; a norm has two for each channel."""
    block = 2 * (convolution_parameters(width, width, 3) + 2 * width)
    first = convolution_parameters(channels + condition, width, 3)
    return first + blocks * block + convolution_parameters(width, channels, 3)
