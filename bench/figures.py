"""The figures that matter, handed over by the parts of `make bench`, and their one table.

A part keeps what it has measured under the names of `TARGETS`; a figure that nobody handed over
shows as "not measured". Parts that run by themselves keep nothing.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.page import load_average, table
from dcrdf.results.machine import machine, software_versions

FOLDER_VARIABLE = "DCRDF_BENCH_FIGURES"
"""Where parts keep their figures; set by `python -m bench`."""
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Target:
    """What a figure should be: at least or at most `limit`, or anything where that is None."""

    part: str
    what: str
    unit: str
    at_least: bool
    limit: float | None = None

    def row(self, value: float | None) -> tuple[str, ...]:
        """what, value, target, ratio to the target (1 or more is met), met."""
        sign = "≥" if self.at_least else "≤"
        wanted = "" if self.limit is None else f"{sign} {self.limit:g} {self.unit}".strip()
        if value is None:
            return (self.part, self.what, NOT_MEASURED, wanted, "", "")
        shown = f"{value:.3g} {self.unit}".strip()
        if self.limit is None:
            return (self.part, self.what, shown, "", "", "")
        above, below = (value, self.limit) if self.at_least else (self.limit, value)
        ratio = f"{above / below:.2f}" if below > 0 else "-"
        return (self.part, self.what, shown, wanted, ratio, "yes" if above >= below else "**no**")


def at_least(part: str, what: str, unit: str, limit: float | None = None) -> Target:
    """More is better."""
    return Target(part, what, unit, True, limit)


def at_most(part: str, what: str, unit: str, limit: float | None = None) -> Target:
    """Less is better."""
    return Target(part, what, unit, False, limit)


TARGETS = (
    at_least("metrics", "all metrics against argsort and sums in numpy, time", "x", 15),
    at_least("metrics", "all metrics against argsort and sums in torch, time", "x"),
    at_most("metrics", "all metrics, extra memory", "MB", 80),
    at_most("metrics", "bootstrap of 1,000 resamples, 256 px", "CPU s", 10),
    at_least("preparation", "800 x 800 scans, files to HDF5", "samples/CPU s", 20),
    at_least("preparation", "holes at 256 px, best other way's RMSE to ours", "x", 1),
    at_least("preparation", "holes at 800 px, best other way's RMSE to ours", "x", 1),
    at_least("anomalies", "literal masks, part fills the frame", "samples/CPU s", 400),
    at_least("anomalies", "slowest of the embedded parts, any options", "samples/CPU s", 400),
    at_least("anomalies", "slowest of all, any options", "samples/CPU s", 400),
    at_least("geometry", "adaptive voxels, fewer points, least", "%"),
    at_most("geometry", "adaptive to fixed voxels, error", "x"),
    at_most("geometry", "kept edges to none, error at edges", "x", 1),
    at_most("geometry", "normals, 224 px, all inside", "CPU ms", 85),
    at_most("geometry", "edge response, 224 px, all inside", "CPU ms", 30),
    at_most("geometry", "FPFH at half size, 224 px, all inside", "CPU ms", 280),
    at_most("geometry", "FPFH at full size, 224 px, all inside", "CPU ms", 1600),
    at_most("banks", "memory_bank, fit of 200 images", "CPU s"),
    at_most("banks", "memory_bank, peak memory of a fit", "GB"),
    at_most("banks", "memory_bank, a pair in batches of 16", "ms"),
    at_most("banks", "resilient, fit of 200 images", "CPU s", 180),
    at_most("banks", "resilient, peak memory of a fit", "GB", 1.5),
    at_most("banks", "resilient, a pair in batches of 16", "ms", 250),
    at_least("banks", "768 channels projected to 128, search", "x"),
    at_least("store", "prepared, random reads against all gzip 1", "x", 1),
    at_least("store", "prepared, random reads against chunks of 16", "x", 1),
    at_most("store", "prepared, size against no compression", "x", 1),
    at_least("store", "variants, random reads against all gzip 1", "x", 1),
    at_least("store", "variants, random reads against chunks of 16", "x", 1),
    at_most("store", "variants, size against no compression", "x", 1),
    at_most("workflow", "dcrdf --help", "s", 1),
    at_most("workflow", "dcrdf aggregate, 6 jobs", "s", 1),
    at_most("workflow", "dcrdf aggregate, 6 jobs, CPU", "CPU s", 1),
    at_most("workflow", "snakemake -n, 10 categories x 3 seeds x 6 runs", "s", 15),
    at_most("workflow", "finished workflow says so", "s", 10),
    at_most("workflow", "Snakemake beside a long job, 120 jobs finished", "% of a core", 2),
    at_most("training", "waiting for data, flow", "% of the time"),
    at_most("training", "waiting for data, dual_rd", "% of the time"),
    at_most("training", "waiting for data, crd", "% of the time"),
    at_most("training", "waiting for data, paper", "% of the time"),
    at_least("training", "crd, pairs at 160 px", "pairs/s", 12),
)
HEAD = ("part", "what", "value", "target", "ratio", "met")
RULE = "| --- | --- | ---: | ---: | ---: | --- |"


def keep(part: str, values: Mapping[str, float]) -> None:
    """Hand over a part's figures by name; those it could not measure are left out.

    Raises:
        ValueError: a name that `TARGETS` does not have.
    """
    unknown = set(values) - {target.what for target in TARGETS if target.part == part}
    if unknown:
        raise ValueError(f"{part}: no such figures: {', '.join(sorted(unknown))}")
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        Path(folder, f"{part}.json").write_text(json.dumps(values), encoding="utf-8")


def read(folder: Path) -> dict[tuple[str, str], float]:
    """(part, what) -> value of everything that was handed over."""
    return {
        (path.stem, what): float(value)
        for path in folder.glob("*.json")
        for what, value in json.loads(path.read_text(encoding="utf-8")).items()
    }


def summary(values: Mapping[tuple[str, str], float]) -> str:
    """The table of all figures, with machine and versions, as a Markdown page."""
    rows = [target.row(values.get((target.part, target.what))) for target in TARGETS]
    on = machine()
    versions = ", ".join(f"{name} {version}" for name, version in software_versions().items())
    made = (
        f"Made by `python -m bench` on {datetime.now(UTC):%Y-%m-%d}; {on['processor']},"
        f" {on['cpus']} cores, {on['system']}, {load_average()}."
    )
    note = (
        "CPU seconds are of one thread. A ratio of 1 or more meets its target; figures without"
        " one are for comparison."
    )
    title = "# Benchmarks: the figures that matter"
    return "\n\n".join((title, made, f"{versions}.", note, table(HEAD, rows, RULE))) + "\n"
