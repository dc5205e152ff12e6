"""Geometry: fewer points at equal detail, and CPU time of what is computed of neighbourhoods.

`python -m bench.geometry` prints the tables and writes them to bench/geometry.md; `--data FOLDER`
adds the first good part of a category in MVTec 3D-AD's layout. CPU time of one thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from pathlib import Path

import numpy as np
import torch

from bench.figures import keep
from bench.geometry import backwards, features, reduction
from bench.geometry.clouds import Cloud, part_cloud, scans
from bench.geometry.reduction import Result, compared, ratio
from bench.page import Rows, load_average, machine_line, table

OUTPUT = Path(__file__).parent.with_suffix(".md")
CAPTION = (
    "A good part of each category, its points at the scan's own size (embedded ones 800 px). The"
    " error is the mean distance of all points to the tangent plane of the sample next to each;"
    " `at edges`, of the 5 % with the largest edge response. All ways but those of 5,000 points"
    " have the count that adaptive voxels of 2 to 8 pitches (alpha 0.7) have; `+ edges` keeps the"
    " 2 % of the points with the largest edge response and takes larger voxels instead. Times are"
    " of picking alone."
)
BACKWARDS = (
    "Root mean square error of the heights of 4,000 points, interpolated from the samples by"
    " exp(-|p - q|^2 / sigma_d^2 - |n_p - n_q|^2 / sigma_n^2), sigma_n = 0.5 or infinite. The paper"
    " has the normals count and gives no figure."
)
PAPERS_PERCENT, PAPERS_MS = 91.9, 13.9
"""Fewer points, and its time (Xu et al., Sensors 2025, Table 6)."""
SAME = 0.98
"""A factor above it is no gain."""


def verdict(clouds: list[Cloud], results: list[Result]) -> str:
    """What holds of the paper's claim, from the figures."""
    adaptive = [one for one in results if one.way == "adaptive"]
    fewer = ", ".join(f"{one.fewer_percent:.1f} ({one.cloud})" for one in adaptive)
    enough = sum(one.fewer_percent >= PAPERS_PERCENT for one in adaptive)
    slowest_ms = max(one.ms for one in adaptive)
    surface_ms = max(one.surface_ms for one in clouds)

    def factors(way: str, to: str) -> tuple[str, bool]:
        found = [ratio(results, way, to, sharp) for sharp in (False, True)]
        return f"{found[0]:.2f} and {found[1]:.2f}", min(found) < SAME

    density, density_helps = factors("adaptive", "fixed")
    with_edges, density_helps_edges = factors("adaptive + edges", "fixed + edges")
    edges, edges_help = factors("fixed + edges", "fixed")
    helps = density_helps or density_helps_edges
    claim = (
        f"The paper claims {PAPERS_PERCENT} % fewer points in {PAPERS_MS} ms with detail and edges"
        " kept, and gives no error. Measured here, factors of the error being over all points and"
        " at edges (geometric means over the clouds, below 1 is better):"
    )
    points = (
        f"- *Fewer points*: adaptive voxels leave out, in percent, {fewer}: the paper's share on"
        f" {enough} of {len(adaptive)} clouds. At most {slowest_ms:.0f} ms, and {surface_ms:.0f} ms"
        " for normals and edge responses before."
    )
    rule = (
        f"- *The density rule* against one fixed size at the same count: {density}; both with edges"
        f" kept: {with_edges}. It brings {'something' if helps else 'nothing'} that a fixed size"
        " does not."
    )
    sharp = (
        f"- *Kept edges* beside larger fixed voxels against these alone: {edges}; beside adaptive"
        f" ones: {factors('adaptive + edges', 'adaptive')[0]}. They"
        f" {'do what they promise at edges' if edges_help else 'bring nothing'}."
    )
    others = (
        f"- A fixed size against random points: {factors('fixed', 'random')[0]}; against every"
        f" k-th: {factors('fixed', 'every k-th')[0]}."
    )
    return "\n".join((claim, "", points, rule, sharp, others))


def figures(results: list[Result], times: Rows) -> dict[str, float]:
    """What the summary of all benchmarks shows."""
    everywhere = [float(cell) for cell in times[-1][1:]]
    names = ("normals", "edge response", "FPFH at half size", "FPFH at full size")
    measured = {
        f"{name}, 224 px, all inside": ms for name, ms in zip(names, everywhere, strict=True)
    }
    fewest = min(one.fewer_percent for one in results if one.way == "adaptive")
    return measured | {
        "adaptive voxels, fewer points, least": fewest,
        "adaptive to fixed voxels, error": ratio(results, "adaptive", "fixed", False),
        "kept edges to none, error at edges": ratio(results, "fixed + edges", "fixed", True),
    }


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.geometry")
    parser.add_argument("--data", type=Path, help="a category's folder, for one more cloud")
    args = parser.parse_args()
    torch.set_num_threads(1)
    chosen = list(scans(args.data))
    clouds = [part_cloud(name, scan) for name, scan in chosen]
    results = [one for cloud in clouds for one in compared(cloud)]
    times = features.bench_features(chosen[0][1])
    keep("geometry", figures(results, times))
    made = "Made by `python -m bench.geometry`; CPU time of one thread"
    size = f"CPU ms of an image of {features.SIZE} px (the {chosen[0][0]})"
    parts = [
        "# Geometry: measured",
        f"{made}, {load_average()}. {machine_line(np, torch)}.",
        "## Fewer points at equal detail",
        verdict(clouds, results),
        CAPTION,
        table(reduction.HEAD, [one.row() for one in results], reduction.RULE),
        "## Back to points",
        BACKWARDS,
        table(backwards.HEAD, backwards.bench_backwards(clouds), backwards.RULE),
        "## Neighbourhoods",
        f"{size}; histograms on 56 x 56 places, normals not included.",
        table(features.HEAD, times, features.RULE),
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
