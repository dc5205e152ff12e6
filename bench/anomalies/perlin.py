"""Perlin noise: our way against the common ones, and fields and masks of a batch at once."""

import math

import cv2
import numpy as np

from bench.anomalies.cases import LATTICES, SIZE, WEIGHTS
from bench.anomalies.common_ways import gathered_noise, looped_noise
from bench.measure import best_seconds, repeated_ms
from bench.page import Rows
from dcrdf.anomalies.masks import quantile_of
from dcrdf.anomalies.perlin import corner_weights, gradient_noise, perlin_field


def bench_perlin() -> Rows:
    """Three lattices at 256 x 256, against the two usual ways."""
    rng = np.random.default_rng(0)
    ours = repeated_ms(lambda: gradient_noise(SIZE, LATTICES, WEIGHTS, rng))
    gathered = repeated_ms(lambda: gathered_noise(rng), 5)
    looped = 1e3 * best_seconds(lambda: looped_noise(rng), 1)
    return [
        (name, f"{ms:.2f}", f"{ms / ours:.0f}")
        for name, ms in (
            ("banded matrix products (chosen)", ours),
            ("corner gradients gathered per pixel", gathered),
            ("loop over pixels", looped),
        )
    ]


def bench_batched(batch: int = 32) -> Rows:
    """Fields and masks of a batch over the whole frame: our way, and all at once in torch."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    rank = int(0.95 * (SIZE * SIZE - 1))
    square = np.ones((3, 3), dtype=np.uint8)
    axes = [[torch.from_numpy(part) for part in corner_weights(SIZE, n)] for n, _ in LATTICES]

    def one_by_one() -> None:
        for _ in range(batch):
            field = perlin_field(SIZE, LATTICES, WEIGHTS, 1.0, rng)
            threshold = quantile_of(field.ravel(), 0.95)
            _, mask = cv2.threshold(field, float(threshold), 1.0, cv2.THRESH_BINARY)
            cv2.morphologyEx(mask, cv2.MORPH_CLOSE, square)

    def at_once() -> None:
        noise = torch.zeros(batch, SIZE, SIZE)
        for (cells, _), weight, (fade, offset) in zip(LATTICES, WEIGHTS, axes, strict=True):
            angle = torch.rand(batch, cells + 1, cells + 1) * (2.0 * math.pi)
            noise += offset @ (weight * angle.sin() @ fade.T)
            noise += fade @ (weight * angle.cos() @ offset.T)
        noise /= noise.std(dim=(1, 2), keepdim=True)
        field = noise.tanh_()
        threshold = field.flatten(1).kthvalue(rank + 1).values
        mask = (field > threshold[:, None, None]).float()[:, None]
        grown = torch.nn.functional.max_pool2d(mask, 3, 1, 1)
        -torch.nn.functional.max_pool2d(-grown, 3, 1, 1)

    ways = {"numpy and OpenCV, one by one (chosen)": one_by_one, "torch, batch of 32": at_once}
    at_once()
    return [(name, f"{batch / best_seconds(work, 3):.0f}") for name, work in ways.items()]
