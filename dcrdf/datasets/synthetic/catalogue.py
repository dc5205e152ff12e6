"""The categories: how a sound part is built and which defects it can have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from dcrdf.datasets.synthetic import defects, field_defects
from dcrdf.datasets.synthetic.defects import Defect
from dcrdf.datasets.synthetic.part import Canvas, Part
from dcrdf.datasets.synthetic.parts.cracker import build_cracker
from dcrdf.datasets.synthetic.parts.field import field_at
from dcrdf.datasets.synthetic.parts.flange import build_flange
from dcrdf.datasets.synthetic.parts.handle import build_handle
from dcrdf.datasets.synthetic.parts.scone import build_scone
from dcrdf.datasets.synthetic.rig import TABLE_RIG, Rig
from dcrdf.datasets.synthetic.walking_rig import WALKING_RIG

Build = Callable[[Canvas, np.random.Generator], Part]


@dataclass(frozen=True)
class Recipe:
    """How the samples of a category are made, and what takes its scans.

    `build_at` draws a place and gives what builds parts there. Every split has so many `places` of
    its own, each with its view and its light; without any, all is drawn anew for each sample.
    """

    build_at: Callable[[np.random.Generator], Build]
    defects: Mapping[str, Defect]
    rig: Rig = TABLE_RIG
    places: int = 0


def anywhere(build: Build) -> Callable[[np.random.Generator], Build]:
    """Of parts that are the same kind in every place."""
    return lambda _place: build


THREADS = ((0.02, 0.08, 0.40), (0.45, 0.02, 0.03), (0.80, 0.80, 0.78))
"""Blue, red and white."""

CRACKER = Recipe(
    anywhere(build_cracker),
    {
        "burn": partial(
            defects.stain,
            radius_mm=(2.6, 7.5),
            colour=(0.035, 0.02, 0.015),
            strength=(0.62, 0.92),
        ),
        "bump": partial(defects.bulge, radius_mm=(4.2, 9.0), height_mm=(1.6, 3.2)),
        "crack": partial(
            defects.groove,
            length_mm=(11.0, 40.0),
            width_mm=(0.9, 1.5),
            depth_mm=(1.8, 3.6),
            colour=(0.10, 0.05, 0.02),
        ),
        "broken": partial(
            defects.bite,
            radius_mm=(3.2, 10.0),
            floor_mm=0.0,
            slope=3.5,
            colour=(0.68, 0.50, 0.28),
        ),
        "thread": partial(
            defects.strand,
            length_mm=(8.0, 34.0),
            width_mm=(0.8, 1.3),
            colours=THREADS,
        ),
    },
)

FLANGE = Recipe(
    anywhere(build_flange),
    {
        "rust": partial(
            defects.stain,
            radius_mm=(2.4, 7.0),
            colour=(0.22, 0.075, 0.02),
            strength=(0.60, 0.95),
            gloss_left=0.2,
        ),
        "dent": partial(defects.bulge, radius_mm=(3.8, 7.2), height_mm=(-1.3, -2.5)),
        "scratch": partial(
            defects.groove,
            length_mm=(8.0, 28.0),
            width_mm=(0.9, 1.4),
            depth_mm=(0.5, 1.1),
            colour=(0.60, 0.61, 0.63),
            strength=0.8,
            wander=0.05,
            burr_mm=0.15,
        ),
        "chip": partial(
            defects.bite,
            radius_mm=(1.8, 4.8),
            floor_mm=1.2,
            slope=1.9,
            colour=(0.16, 0.16, 0.165),
        ),
        "swarf": partial(
            defects.strand,
            length_mm=(8.0, 26.0),
            width_mm=(1.1, 1.7),
            colours=((0.50, 0.33, 0.14), (0.16, 0.20, 0.42), (0.42, 0.20, 0.10)),
            wander=0.75,
            gloss=0.5,
        ),
    },
)

HANDLE = Recipe(
    anywhere(build_handle),
    {
        "paint": partial(
            defects.stain,
            radius_mm=(2.3, 5.6),
            colour=(0.45, 0.03, 0.025),
            strength=(0.75, 0.95),
        ),
        "dent": partial(
            defects.bulge, radius_mm=(4.0, 7.2), height_mm=(-1.2, -2.6), elongation=1.5
        ),
        "crack": partial(
            defects.groove,
            length_mm=(10.0, 32.0),
            width_mm=(0.8, 1.4),
            depth_mm=(1.8, 3.4),
            colour=(0.06, 0.03, 0.015),
            wander=0.08,
            turn=defects.along_part,
        ),
        "splinter": partial(
            defects.bite,
            radius_mm=(2.0, 5.5),
            floor_mm=6.0,
            slope=2.4,
            colour=(0.72, 0.55, 0.34),
        ),
        "glue": partial(
            defects.blob,
            radius_mm=(1.6, 3.8),
            height_mm=(0.7, 1.8),
            colours=((0.62, 0.50, 0.16), (0.78, 0.76, 0.68)),
            gloss=0.55,
            opacity=0.75,
        ),
    },
)

SCONE = Recipe(
    anywhere(build_scone),
    {
        "scorch": partial(
            defects.stain,
            radius_mm=(2.6, 8.0),
            colour=(0.10, 0.045, 0.02),
            strength=(0.30, 0.75),
        ),
        "dent": partial(defects.bulge, radius_mm=(3.8, 8.0), height_mm=(-0.9, -2.4)),
        "crack": partial(
            defects.groove,
            length_mm=(10.0, 36.0),
            width_mm=(0.9, 1.6),
            depth_mm=(1.4, 3.4),
            colour=(0.16, 0.09, 0.04),
        ),
        "bitten": partial(
            defects.bite,
            radius_mm=(3.0, 9.0),
            floor_mm=0.0,
            slope=3.0,
            colour=(0.72, 0.56, 0.32),
        ),
        "thread": partial(
            defects.strand,
            length_mm=(8.0, 30.0),
            width_mm=(0.8, 1.3),
            colours=THREADS,
        ),
    },
)

FIELD = Recipe(
    field_at,
    {
        "crack": field_defects.crack,
        "crazing": field_defects.crazing,
        "hairline": field_defects.hairline,
        "spall": field_defects.spall,
        "swell": field_defects.swell,
    },
    WALKING_RIG,
    places=12,
)

RECIPES: Mapping[str, Recipe] = {
    "cracker": CRACKER,
    "flange": FLANGE,
    "handle": HANDLE,
    "scone": SCONE,
    "field": FIELD,
}
