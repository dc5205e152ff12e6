"""Make docs/demo.png from the results of `make demo`: python docs/make_figure.py

A row per part: for two kinds of defect the scan, its height, and the fused map with the true
border. The defect shown is the one of median score of its kind, neither the best nor the worst.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from dcrdf.config.plan import Plan
from dcrdf.config.schema import parse_config, read_yaml
from dcrdf.files.images import write_png
from dcrdf.preparation.store import open_prepared
from dcrdf.report.figures import heat_map, heat_scale, height_picture, height_scale, outlined
from dcrdf.results.maps import open_maps

ROOT = Path(__file__).parents[1]
KINDS = {"cracker": ("burn", "bump"), "flange": ("dent", "rust"), "handle": ("dent", "paint")}
TILE_PX = 200
GAP_PX = 4


def row(plan: Plan, category: str) -> np.ndarray:
    """Two defects of a category, three pictures each."""
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
        for kind in KINDS[category]:
            numbers = [i for i, defect in enumerate(test.defect) if defect == kind]
            chosen = sorted(numbers, key=lambda i: scores[i])[len(numbers) // 2]
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


def main() -> None:
    """Write the figure."""
    plan = Plan(parse_config(read_yaml(ROOT / "workflow" / "demo.yaml")))
    write_png(ROOT / "docs" / "demo.png", np.vstack([row(plan, category) for category in KINDS]))


if __name__ == "__main__":
    sys.exit(main())
