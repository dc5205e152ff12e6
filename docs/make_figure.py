"""Make docs/demo.png and docs/misses.png from `make demo`: python docs/make_figure.py

A row per part, three pictures each: scan, height, and the fused map with the true border.
demo.png shows the defect of median score of two kinds, neither the best nor the worst; misses.png
the defect with the lowest score and the good part with the highest.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.yaml_file import read_yaml
from dcrdf.files.images import write_png
from dcrdf.preparation.store import PreparedSplit, open_prepared
from dcrdf.report.figures import heat_map, heat_scale, height_picture, height_scale, outlined
from dcrdf.results.maps import open_maps

ROOT = Path(__file__).parents[1]
KINDS = {"cracker": ("burn", "bump"), "flange": ("dent", "rust"), "handle": ("dent", "paint")}
TILE_PX = 200
GAP_PX = 4
Picture = NDArray[np.uint8]
Pick = Callable[[str, PreparedSplit, NDArray[np.float64]], Sequence[int]]


def row(plan: Plan, category: str, pick: Pick) -> Picture:
    """The picked test samples of a category side by side."""
    job = next(job for job in plan.jobs if job.category == category)
    prepared_path = plan.prepared_path(category, plan.chains[job].prepare.digest)
    with (
        open_maps(plan.run_folder(job) / "maps.h5") as maps,
        open_prepared(prepared_path) as prepared,
    ):
        test = prepared.split("test")
        fused, scores = maps.maps("fused"), maps.scores("fused")
        heat, height = heat_scale(fused, test.label == 0), height_scale(test.depth)
        tiles = []
        for chosen in pick(category, test, scores):
            tiles += [
                test.rgb[chosen],
                height_picture(test.depth[chosen], height),
                outlined(heat_map(fused[chosen], heat), test.gt[chosen]),
            ]
    size = (TILE_PX, TILE_PX)
    big = [cv2.resize(tile, size, interpolation=cv2.INTER_CUBIC) for tile in tiles]
    return np.hstack(
        [np.pad(t, ((0, GAP_PX), (0, GAP_PX), (0, 0)), constant_values=255) for t in big]
    )


def median_defects(category: str, test: PreparedSplit, scores: NDArray[np.float64]) -> list[int]:
    """The sample of median score of two kinds of defect."""
    chosen = []
    for kind in KINDS[category]:
        numbers = [i for i, defect in enumerate(test.defect) if defect == kind]
        chosen.append(sorted(numbers, key=lambda i: scores[i])[len(numbers) // 2])
    return chosen


def miss_and_false_alarm(
    category: str, test: PreparedSplit, scores: NDArray[np.float64]
) -> list[int]:
    """The defective sample of lowest and the good sample of highest score."""
    defective, good = np.flatnonzero(test.label == 1), np.flatnonzero(test.label == 0)
    chosen = [int(defective[scores[defective].argmin()]), int(good[scores[good].argmax()])]
    names = [f"{test.defect[i]} {test.name[i]}, score {scores[i]:.2f}" for i in chosen]
    print(f"{category}: lowest defect {names[0]}; highest good part {names[1]}")
    return chosen


def main() -> None:
    """Write the figures."""
    plan = Plan(parse_config(read_yaml(ROOT / "workflow" / "demo.yaml")))
    for name, pick in (("demo.png", median_defects), ("misses.png", miss_and_false_alarm)):
        rows = [row(plan, category, pick) for category in KINDS]
        write_png(ROOT / "docs" / name, np.vstack(rows))


if __name__ == "__main__":
    sys.exit(main())
