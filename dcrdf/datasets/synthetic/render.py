"""One sample, from its name alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.synthetic.arrays import Mask
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.datasets.synthetic.defects import Defect
from dcrdf.datasets.synthetic.light import shade
from dcrdf.datasets.synthetic.masks import defect_mask
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface
from dcrdf.datasets.synthetic.sensor import photograph
from dcrdf.files.digests import seed_of

GOOD = "good"

SEVERITY_STEPS = 6
"""Severity rises over so many indices of a kind, then begins anew: any number of samples has the
same mix of small and plain defects."""

MOST_TRIES = 20
LEAST_DEFECT_PX = 6


@dataclass(frozen=True)
class SampleName:
    """Which sample: `kind` is `good` or a defect; the split is train, validation or test."""

    category: str
    split: str
    kind: str
    index: int
    seed: int


@dataclass(frozen=True)
class Rendered:
    """The arrays of a sample: rgb uint8 (H, W, 3), xyz float32 (H, W, 3) in metres, gt bool."""

    rgb: NDArray[np.uint8]
    xyz: NDArray[np.float32]
    gt: Mask


def render(name: SampleName, size_px: int) -> Rendered:
    """Render a sample; it depends on its name and size, not on what else is made."""
    recipe = RECIPES[name.category]
    rig = recipe.rig
    seed = seed_of("synthetic", name.category, name.split, name.kind, name.index, name.seed)
    rigging, building, spoiling, lighting, sensing = _generators(seed)
    placing = building
    if recipe.places:
        place = name.index % recipe.places
        of_place = seed_of("place", name.category, name.split, place, name.seed)
        rigging, placing, _, lighting, _ = _generators(of_place)
    view = rig.view(size_px, rigging)
    canvas = Canvas.of(view)
    part = recipe.build_at(placing)(canvas, building)
    surface, gt = part.surface, np.zeros(canvas.shape, np.bool_)
    if name.kind != GOOD:
        surface, gt = spoil(part, recipe.defects[name.kind], severity_of(name.index), spoiling)
    radiance = shade(canvas, surface, rig.lighting(lighting))
    xyz = rig.scan(view, surface.height_mm, radiance, sensing)
    return Rendered(photograph(radiance, sensing), xyz, gt)


def _generators(seed: int) -> list[np.random.Generator]:
    """Of camera, part, defect, light and sensor, so that none depends on what another draws."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]


def severity_of(index: int) -> float:
    """0 for the smallest and faintest defects, 1 for the largest and plainest."""
    return (index % SEVERITY_STEPS) / (SEVERITY_STEPS - 1)


def spoil(
    part: Part, defect: Defect, severity: float, rng: np.random.Generator
) -> tuple[Surface, Mask]:
    """The part with the defect and its ground truth, which is never empty: what does not show
    (a scratch between two pixels, a bite into air) is drawn again, a little stronger."""
    for extra in range(MOST_TRIES):
        surface = defect(part, severity + 0.15 * extra, rng)
        gt = defect_mask(part.surface, surface)
        if np.count_nonzero(gt) >= LEAST_DEFECT_PX:
            return surface, gt
    raise RuntimeError("a defect did not show in any of its drawings")
