"""What the other modality explains is usual there; the same without it stands out."""

import torch

from dcrdf.detectors.reverse_distillation.crossmodal_normality import CrossmodalNormality
from dcrdf.detectors.reverse_distillation.good_images import BranchFeatures, GoodImages
from dcrdf.detectors.reverse_distillation.residual_normality import ResidualNormality
from dcrdf.networks.teacher import TeacherShape

SHAPE = TeacherShape((4, 6, 8), "basic", (1, 1, 1), signed=False)
STRIDES = (4, 8, 16)
SIDE_PX = 64


def stages(generator, count, content):
    """Features (count, C, h, w) of all stages: noise, and `content` (count, 64, 64) in the first
    channel."""
    result = []
    for channels, stride in zip(SHAPE.channels, STRIDES, strict=True):
        features = 1.0 + 0.05 * torch.randn(
            (count, channels, SIDE_PX // stride, SIDE_PX // stride), generator=generator
        )
        features[:, 0] += content[:, ::stride, ::stride]
        result.append(features)
    return result


def scene(seed, count=12):
    """Raisins that colour shows and height does not expect: where they lie, the height's residual
    is long."""
    generator = torch.Generator().manual_seed(seed)
    raisins = (torch.rand((count, 4, 4), generator=generator) < 0.2).float()
    raisins = raisins.repeat_interleave(16, 1).repeat_interleave(16, 2)
    nothing = torch.zeros_like(raisins)
    student = stages(generator, count, nothing)
    height = stages(generator, count, 2.0 * raisins)
    colour = stages(generator, count, 4.0 * raisins)
    return student, height, colour, raisins.bool()


SIZE = (SIDE_PX, SIDE_PX)


def fitted():
    """What is learnt from the height alone, and with colour."""
    alone, with_colour = ResidualNormality(SHAPE), CrossmodalNormality(SHAPE)
    for normality in (alone, with_colour):
        normality.fit(GoodImages(12, lambda: [BranchFeatures(*scene(0)[:3])]), seed=0)
    return alone, with_colour


def test_what_colour_explains_counts_less_in_the_height():
    alone, with_colour = fitted()
    student, height, colour, raisins = scene(1)
    relative = alone.map(student, height, True, SIZE)
    crossmodal = with_colour.map(student, height, colour, SIZE)
    contrast = [m[raisins].mean() / m[~raisins].mean() for m in (relative, crossmodal)]
    assert contrast[1] < 0.6 * contrast[0]


def test_the_same_bump_without_a_raisin_in_colour_stands_out():
    _, with_colour = fitted()
    student, height, colour, raisins = scene(1)
    bald = [x.clone() for x in colour]
    for features in bald:
        features[:, 0] = 1.0  # no raisin anywhere in colour
    explained = with_colour.map(student, height, colour, SIZE)
    unexplained = with_colour.map(student, height, bald, SIZE)
    assert unexplained[raisins].mean() > 2.0 * explained[raisins].mean()


def test_learns_the_same_from_batches_as_from_one():
    student, height, colour, _ = scene(0)
    parts = [
        BranchFeatures(*([x[rows] for x in features] for features in (student, height, colour)))
        for rows in (slice(0, 5), slice(5, 12))
    ]
    whole, batched = CrossmodalNormality(SHAPE), CrossmodalNormality(SHAPE)
    whole.fit(GoodImages(12, lambda: [BranchFeatures(student, height, colour)]), seed=0)
    batched.fit(GoodImages(12, lambda: parts), seed=0)
    maps = [x.map(student, height, colour, SIZE) for x in (whole, batched)]
    torch.testing.assert_close(maps[0], maps[1], rtol=0.1, atol=0.1)
