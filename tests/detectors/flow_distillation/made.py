"""Random weights and inputs, of a size at which every term of a formula matters."""

import numpy as np

from . import oracle


def convolution(generator, inputs, outputs, kernel, spread=None):
    """As wide as torch's default, or of a given deviation."""
    spread = (inputs * kernel**2) ** -0.5 if spread is None else spread
    weight = spread * generator.normal(size=(outputs, inputs, kernel, kernel))
    return oracle.Convolution(weight, spread * generator.normal(size=outputs))


def net(generator, inputs, outputs, kernel, hidden, gamma, spread=None):
    first = convolution(generator, inputs, hidden, kernel, spread)
    return oracle.Net(first, convolution(generator, hidden, outputs, kernel, spread), gamma)


def flow(seed, channels, condition, kernels=(3, 3, 3, 5), hidden=6, gamma=0.5, spread=None):
    """Blocks with random weights and the flow's own permutations."""
    generator = np.random.default_rng(seed)
    small, large = channels // 2, channels - channels // 2
    blocks = []
    for order, kernel in zip(oracle.orders(channels, len(kernels)), kernels, strict=True):
        net1 = net(generator, small + condition, 2 * large, kernel, hidden, gamma, spread)
        net2 = net(generator, large + condition, 2 * small, kernel, hidden, gamma, spread)
        blocks.append(oracle.Coupling(order, net1, net2))
    return blocks


def norm(generator, channels):
    gain, shift, mean = generator.normal(size=(3, channels))
    return oracle.Norm(1 + 0.3 * gain, 0.2 * shift, 0.2 * mean, 0.5 + generator.random(channels))


def student(seed, channels, condition, width=7, blocks=4):
    """A student of random weights and statistics."""
    generator = np.random.default_rng(seed)

    def residual():
        return oracle.Residual(
            convolution(generator, width, width, 3),
            norm(generator, width),
            convolution(generator, width, width, 3),
            norm(generator, width),
        )

    return oracle.Student(
        convolution(generator, channels + condition, width, 3),
        [residual() for _ in range(blocks)],
        convolution(generator, width, channels, 3),
    )


def maps(seed, *shape):
    """Normal values."""
    return np.random.default_rng(seed).normal(size=shape)


def mask(seed, *shape, share=0.5):
    """True at random."""
    return np.random.default_rng(seed).random(shape) < share
