"""What the other modality explains is usual there; the same without it stands out."""

import torch

from dcrdf.detectors.dcrdf_net.normality import ResidualNormality
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


def fitted():
    normality = ResidualNormality(SHAPE)
    normality.fit(lambda: [scene(0)[:3]], seed=0)
    return normality


def test_what_colour_explains_counts_less_in_the_height():
    normality = fitted()
    student, height, colour, raisins = scene(1)
    size = (SIDE_PX, SIDE_PX)
    relative = normality.map(student, height, colour, "relative", size)
    crossmodal = normality.map(student, height, colour, "crossmodal", size)
    contrast = [m[raisins].mean() / m[~raisins].mean() for m in (relative, crossmodal)]
    assert contrast[1] < 0.9 * contrast[0]


def test_the_same_bump_without_a_raisin_in_colour_stands_out():
    normality = fitted()
    student, height, colour, raisins = scene(1)
    bald = [x.clone() for x in colour]
    for features in bald:
        features[:, 0] = 1.0  # no raisin anywhere in colour
    size = (SIDE_PX, SIDE_PX)
    explained = normality.map(student, height, colour, "crossmodal", size)
    unexplained = normality.map(student, height, bald, "crossmodal", size)
    assert unexplained[raisins].mean() > 1.15 * explained[raisins].mean()


def test_without_the_other_modality_it_is_the_relative_map():
    normality = fitted()
    student, height, colour, _ = scene(2)
    size = (SIDE_PX, SIDE_PX)
    alone = normality.map(student, height, None, "crossmodal", size)
    assert torch.equal(alone, normality.map(student, height, colour, "relative", size))
