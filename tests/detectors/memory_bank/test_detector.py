"""The bank holds the share of patches it is told to, and distances are those of loops."""

import functools

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.memory_bank.detector import MemoryBank
from dcrdf.networks.teacher import TEACHERS, Teacher
from dcrdf.tensors.scans import Scans
from dcrdf.training.loop import FitContext

CPU = torch.device("cpu")
SIDE, COUNT = 32, 20
"""More than one chunk of images; 8 x 8 and 4 x 4 places in stages 1 and 2."""


class Corners(torch.nn.Module):
    """Stands for a teacher: its features are pixels of the image, in 3, 2 and 1 channels."""

    def forward(self, images):
        return [
            images[:, :, 1::4, 2::4],
            images[:, :2, 3::8, 5::8] - 0.5,
            images[:, :1, ::16, ::16],
        ]


def samples(seed, count=COUNT, side=SIDE):
    generator = np.random.default_rng(seed)
    return Scans(
        inside=np.ones((count, side, side), np.bool_),
        rgb=generator.integers(0, 256, (count, side, side, 3), np.uint8),
        height=generator.random((count, side, side)).astype(np.float32),
    )


@pytest.fixture
def fit(tmp_path):
    """Fits a bank with the given options and seed."""

    def fit_bank(given, seed=0, teacher=None, **options):
        bank = MemoryBank(teacher or Corners(), MemoryBankOptions(**options))
        context = FitContext(tmp_path, seed, "", TrainOptions(cpu_threads=1), CPU)
        bank.fit(given, None, context)
        return bank

    return fit_bank


def patches_by_hand(images, pool, stages, bilinear):
    """(B, 8 * 8, C): each stage's neighbourhood mean (zeros beyond the border) at stage 1's places,
    of images (B, 3, S, S)."""
    result = []
    for image in images:
        channels = []
        for stage in stages:
            features = Corners()(torch.from_numpy(image)[None])[stage - 1][0].double().numpy()
            for channel in features:
                reach = pool // 2
                padded = np.pad(channel, reach)
                pooled = np.zeros_like(channel)
                for row in range(pool):
                    for column in range(pool):
                        height, width = channel.shape
                        pooled += padded[row : row + height, column : column + width] / pool**2
                channels.append(bilinear(pooled, (8, 8)))
        result.append(np.stack(channels, axis=-1).reshape(64, -1))
    return np.stack(result)


def images_of(given, modality):
    if modality == "rgb":
        return given.rgb.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    return np.repeat(given.height[:, None], 3, axis=1)


def all_patches(given, modality, bilinear, pool=3, stages=(1, 2)):
    return patches_by_hand(images_of(given, modality), pool, stages, bilinear).reshape(
        COUNT * 64, -1
    )


def nearest(queries, patches):
    """Distance of each query to its nearest patch and which one that is, by brute force."""
    squares = ((queries[:, None] - patches[None]) ** 2).sum(axis=-1)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"bank_share": 0.1}, 128),
        ({"bank_share": 0.25}, 320),
        ({"bank_share": 0.25, "bank_max": 50}, 50),
        ({"bank_share": 1e-9}, 1),
        ({"bank_share": 1.0}, 1280),
    ],
)
def test_the_share_of_patches_that_is_remembered(fit, bilinear, options, count):
    given = samples(0)
    bank = fit(given, stages=(1, 2), **options)
    for modality in ("rgb", "depth"):
        kept = bank.banks[modality].patches.double().numpy()
        assert len(kept) == count
        known = all_patches(given, modality, bilinear)
        distances, which = nearest(kept, known)
        assert distances.max() < 1e-5
        assert len(set(which.tolist())) == count  # none is kept twice
        if count == 320:  # drawn from all images
            assert len(set((which // 64).tolist())) == COUNT


def test_the_seed_decides_which(fit):
    given = samples(0)
    one, again, other = (fit(given, seed, stages=(1, 2)).banks["rgb"].patches for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("pool", "stages"), [(3, (1, 2)), (1, (1, 2)), (5, (1,))])
def test_maps_are_distances_to_the_nearest_patch(fit, bilinear, pool, stages):
    given, shown = samples(0), samples(1)
    bank = fit(given, stages=stages, patch_pool=pool, bank_share=0.1)
    maps = bank.maps(shown[:2].batch(CPU)).own
    for name in ("rgb", "depth"):
        queries = patches_by_hand(images_of(shown, name)[:2], pool, stages, bilinear)
        kept = bank.banks[name].patches.double().numpy()
        for image in range(2):
            expected = bilinear(nearest(queries[image], kept)[0].reshape(8, 8), (SIDE, SIDE))
            np.testing.assert_allclose(maps[name][image].numpy(), expected, rtol=1e-3, atol=5e-4)


def test_remembered_images_have_no_distance(fit):
    given = samples(0)
    bank = fit(given, stages=(1, 2), bank_share=1.0)
    for values in bank.maps(given.batch(CPU)).own.values():
        assert values.max() < 2e-3


@pytest.mark.parametrize("stages", [(2, 3), (1, 2, 3)])
@pytest.mark.parametrize(
    ("name", "side"),
    [("resnet18", 64), ("efficientnet_b5", 64), ("dino_vits8", 56), ("dinov2_vits14", 112)],
)
def test_every_teacher_fills_a_bank(fit, teacher_of, name, side, stages):
    """Also those whose maps all have one size, and with weights that nobody trained."""
    given, shape = samples(0, count=2, side=side), TEACHERS[name]
    bank = fit(given, teacher=teacher_of(name), stages=stages, bank_share=1.0)
    places = 2 * (side // shape.strides[stages[0] - 1]) ** 2
    channels = sum(shape.channels[stage - 1] for stage in stages)
    for modality, values in bank.maps(samples(1, count=2, side=side).batch(CPU)).own.items():
        patches = bank.banks[modality].patches
        assert patches.shape == (places, channels)
        assert values.shape == (2, side, side)
        remembered = bank.maps(given.batch(CPU)).own[modality]
        assert remembered.max() < 0.02 * values.max()


@pytest.fixture(scope="module")
def teacher_of():
    """Teachers by name, each made once."""

    @functools.cache
    def made(name):
        torch.manual_seed(0)
        return Teacher(name)

    return made
