"""Images, their twins and masks go together: which is which is read off what a step is given."""

from functools import partial

import numpy as np
import pytest
import torch

from dcrdf.config.options import TrainOptions
from dcrdf.tensors.scans import Scans
from dcrdf.training.batches import CleanBatches
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies, TwinBatches

CPU = torch.device("cpu")
SIDE, ROWS, VARIANTS = 16, 5, 3
ORIENTATIONS = np.array([0, 3, 5, 6])
JOINT, COLOUR, DEPTH = (True, True), (True, False), (False, True)
TOUCHED = [
    [JOINT, COLOUR, DEPTH],
    [COLOUR, DEPTH, JOINT],
    [DEPTH, DEPTH, COLOUR],
    [JOINT, JOINT, COLOUR],
    [DEPTH, COLOUR, JOINT],
]
"""Of each row and variant, whether its colour and its height are changed."""


class Pixels:
    """Stands for a teacher: a stage's features are some of the image's pixels."""

    def __call__(self, images):
        return [images, images[:, :, ::2, ::2], images[:, :, 1::4, 2::4]]


GENERATOR = np.random.default_rng(0)
TRAIN = Scans(
    inside=np.ones((ROWS, SIDE, SIDE), np.bool_),
    rgb=GENERATOR.integers(0, 256, (ROWS, SIDE, SIDE, 3), np.uint8),
    height=GENERATOR.random((ROWS, SIDE, SIDE)).astype(np.float32),
)
VARIED = PseudoAnomalies(
    GENERATOR.integers(0, 256, (ROWS, VARIANTS, SIDE, SIDE, 3), np.uint8),
    GENERATOR.random((ROWS, VARIANTS, SIDE, SIDE)).astype(np.float16),
    GENERATOR.random((ROWS, VARIANTS, SIDE, SIDE)) < 0.4,
    np.array(TOUCHED)[..., 0],
    np.array(TOUCHED)[..., 1],
)


def shown(image, orientation):
    """The image in an orientation, pixel by pixel: mirrored from 4 on, then turned to the left."""
    if orientation >= 4:
        image = np.stack([image[:, SIDE - 1 - column] for column in range(SIDE)], axis=1)
    for _ in range(orientation % 4):
        image = np.stack(
            [np.stack([image[j, SIDE - 1 - i] for j in range(SIDE)]) for i in range(SIDE)]
        )
    return image


def catalogue(images, axes):
    """(row, orientation) or (row, variant, orientation) of every image, by its content."""
    found = {}
    for index in np.ndindex(images.shape[:axes]):
        for orientation in range(8):
            image = shown(images[index], orientation)
            found[np.ascontiguousarray(image).tobytes()] = (*index, orientation)
    return found


CLEAN_RGB, CLEAN_DEPTH = catalogue(TRAIN.rgb, 1), catalogue(TRAIN.height, 1)
TWIN_RGB, TWIN_DEPTH = catalogue(VARIED.rgb, 2), catalogue(VARIED.depth.astype(np.float32), 2)
MASK = catalogue(VARIED.mask, 2)


def colour_of(features):
    """What colour image these features are of."""
    image = (features.permute(1, 2, 0) * 255.0).round().to(torch.uint8)
    return np.ascontiguousarray(image.numpy()).tobytes()


def height_of(features):
    assert torch.equal(features[0], features[1])
    assert torch.equal(features[0], features[2])
    return np.ascontiguousarray(features[0].numpy()).tobytes()


def steps_of(folder, cache_mb, variants=VARIED, orientations=ORIENTATIONS):
    """Batches of a training with so much memory for features."""
    options = TrainOptions(cpu_threads=1).model_copy(update={"feature_cache_mb": cache_mb})
    context = FitContext(folder, 7, "", options, CPU)
    if variants is None:
        return CleanBatches(Pixels(), TRAIN, context, orientations)
    return TwinBatches(Pixels(), TRAIN, variants, context, orientations)


@pytest.fixture(params=[1024, 0], ids=["cached", "uncached"])
def steps(request, tmp_path):
    """`steps_of` with the features held, and with none."""
    return partial(steps_of, tmp_path, request.param)


def seen(clean, twins, masks, at):
    """(row, variant, orientation) of place `at` of a step, the same from all that it is given."""
    row, orientation = CLEAN_RGB[colour_of(clean.rgb[0][at])]
    assert CLEAN_DEPTH[height_of(clean.depth[0][at])] == (row, orientation)
    twin = TWIN_RGB[colour_of(twins.rgb[0][at])]
    assert TWIN_DEPTH[height_of(twins.depth[0][at])] == twin
    assert (twin[0], twin[2]) == (row, orientation)
    for of_modality, is_changed in zip(masks, TOUCHED[row][twin[1]], strict=True):
        mask = of_modality[at].numpy()
        if is_changed:
            assert MASK[np.ascontiguousarray(mask).tobytes()] == twin
        else:
            assert not mask.any()
    assert torch.equal(masks.joint[at], masks.rgb[at] | masks.depth[at])
    assert MASK[np.ascontiguousarray(masks.joint[at].numpy()).tobytes()] == twin
    return twin


def test_image_twin_and_mask_are_of_one_row_variant_and_orientation(steps):
    given = steps()
    rows = np.array([3, 0, 4, 1, 2, 3])
    found = [seen(*given(rows, epoch), at) for epoch in range(12) for at in range(len(rows))]
    assert [row for row, _, _ in found] == rows.tolist() * 12
    by_row = {row: [one for one in found if one[0] == row] for row in range(ROWS)}
    for row, of_row in by_row.items():
        # In twelve epochs each variant four times, each orientation three times.
        shows = 2 if row == 3 else 1
        variants, orientations = zip(*[(variant, turn) for _, variant, turn in of_row], strict=True)
        assert sorted(variants) == sorted([*range(VARIANTS)] * 4 * shows)
        assert sorted(orientations) == sorted(ORIENTATIONS.tolist() * 3 * shows)
    assert len({(variant, turn) for _, variant, turn in found}) == VARIANTS * len(ORIENTATIONS)


def test_all_stages_are_of_the_same_images(steps):
    clean, twins, _ = steps()(np.arange(ROWS), 1)
    for features in (clean.rgb, clean.depth, twins.rgb, twins.depth):
        first, second, third = features
        assert torch.equal(second, first[:, :, ::2, ::2])
        assert torch.equal(third, first[:, :, 1::4, 2::4])


def test_without_variants_there_are_clean_images_alone(steps):
    clean = steps(variants=None)(np.array([2, 0]), 3)
    for at, row in enumerate((2, 0)):
        found = CLEAN_RGB[colour_of(clean.rgb[0][at])]
        assert found == CLEAN_DEPTH[height_of(clean.depth[0][at])]
        assert found[0] == row


def test_as_they_are_where_no_orientation_is_asked_for(steps):
    given = steps(orientations=np.zeros(1, np.intp))
    for epoch in range(3):
        assert {seen(*given(np.arange(ROWS), epoch), at)[2] for at in range(ROWS)} == {0}


def test_memory_for_features_changes_nothing(tmp_path):
    """Also where there is room for the clean images alone."""
    of_clean_mb = 4 * 2 * 3 * (16**2 + 8**2 + 4**2) * ROWS * len(ORIENTATIONS) / 2**20
    every = [steps_of(tmp_path, mb) for mb in (1024, 1.5 * of_clean_mb, 0)]
    rows = np.array([4, 2, 0])
    for epoch in range(4):
        (clean, twins, masks), *others = (one(rows, epoch) for one in every)
        for other_clean, other_twins, other_masks in others:
            for one, other in ((clean, other_clean), (twins, other_twins)):
                pairs = zip(one.rgb + one.depth, other.rgb + other.depth, strict=True)
                assert all(torch.equal(*pair) for pair in pairs)
            assert all(torch.equal(*pair) for pair in zip(masks, other_masks, strict=True))
