"""Which orientations good parts show by themselves, judged by both modalities."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from dcrdf.tensors.scans import Scans
from dcrdf.training.features import orientations_of

CPU = torch.device("cpu")
SIDE = 64
COUNT = 20
"""More than one chunk of images."""


class Shapes:
    """Stands for a teacher: the last stage says where an image is bright."""

    def __call__(self, images):
        bright = functional.avg_pool2d(images[:, :1], 4)
        return [torch.cat([bright, 1.0 - bright], dim=1)]


def bars(turns, seed):
    """Lop-sided bars (COUNT, SIDE, SIDE), each after a random choice of quarter turns."""
    generator = np.random.default_rng(seed)
    images = []
    for _ in range(COUNT):
        y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2 + generator.normal(0, 1.5, (2, 1, 1))
        bar = (np.abs(y) < 6) & (np.abs(x) < 24) & ~((x > 10) & (y > 0))
        image = 0.9 * bar + 0.02 * generator.random((SIDE, SIDE))
        images.append(np.rot90(image, generator.choice(turns)))
    return np.stack(images).astype(np.float32)


def scans(bright, height):
    rgb = np.repeat((255 * bright).astype(np.uint8)[..., None], 3, axis=-1)
    return Scans(inside=np.ones(height.shape, bool), rgb=rgb, height=height)


ALWAYS, HALF_TURNS, ANY = (0,), (0, 2), (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("rgb", "depth", "expected"),
    [
        (ALWAYS, ALWAYS, ALWAYS),
        (HALF_TURNS, HALF_TURNS, HALF_TURNS),
        (ANY, ANY, ANY),
        (HALF_TURNS, ALWAYS, ALWAYS),
        (ALWAYS, HALF_TURNS, ALWAYS),
        (ANY, HALF_TURNS, HALF_TURNS),
        (HALF_TURNS, ANY, HALF_TURNS),
    ],
)
def test_an_orientation_is_natural_where_both_modalities_say_so(rgb, depth, expected):
    found = orientations_of(Shapes(), scans(bars(rgb, 0), bars(depth, 1)), CPU)
    assert tuple(found) == expected


def test_one_image_tells_nothing():
    one = bars(ANY, 0)[:1]
    assert orientations_of(Shapes(), scans(one, one), CPU).tolist() == [0]
