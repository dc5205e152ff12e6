"""What the preparations of other papers take for the part, on real or rendered sets.

`python -m bench.preparation.presets FOLDER...`, each the folder of a category in MVTec 3D-AD's
layout, prints the table and writes it to bench/preparation_presets.md.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.measure import cpu_seconds
from bench.page import Rows, machine_line, table
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample, Scan
from dcrdf.errors import UserError
from dcrdf.preparation.decisions import training_plane
from dcrdf.preparation.measure import measure_scan, part_of_scan
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.prepare import prepare_category

OUTPUT = Path(__file__).parents[1] / "preparation_presets.md"
GOOD, DEFECTIVE = 12, 24
"""Training and defective test scans whose parts are compared with the house's."""
CAPTION = f"""Foreground share and intersection over union with the house's foreground: medians of
the first {GOOD} training and {DEFECTIVE} defective test scans. Lost: mean share of a defect's
pixels that lie outside the foreground, over all defective test scans. Empty: training scans without
any foreground. ms: CPU time of one thread for measuring a scan. Last: what preparing the set says.
A house in mode `field` takes every measured pixel."""
HEADER = ("set", "preset", "share", "IoU with house", "lost", "empty", "ms", "prepared")


@dataclass(frozen=True)
class ScannedSet:
    """A category with all that is measured on read once."""

    name: str
    samples: list[Sample]
    train: list[Scan]
    defective: list[Scan]

    @property
    def compared(self) -> list[Scan]:
        """The scans whose parts are compared."""
        return [*self.train[:GOOD], *self.defective[:DEFECTIVE]]


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    cv2.setNumThreads(1)
    rows = [row for folder in parser.parse_args().folders for row in bench_set(read_set(folder))]
    parts = [
        "# Preparations of other papers: measured",
        f"Made by `python -m bench.preparation.presets`. {machine_line(np, cv2)}.",
        CAPTION,
        table(HEADER, rows),
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


def read_set(folder: Path) -> ScannedSet:
    """The scans of a category's folder."""
    samples = list_samples(folder.parent, "mvtec3d", folder.name)
    train = [load_scan(sample) for sample in samples if sample.split == "train"]
    defective = [load_scan(sample) for sample in samples if not sample.is_good]
    return ScannedSet(folder.name, samples, train, defective)


def bench_set(scanned: ScannedSet) -> Rows:
    """A row for each preset."""
    house = parts_of(scanned, scanned.compared, PrepareOptions())
    return [bench_preset(scanned, name, house) for name in PREPARE_PRESETS]


def bench_preset(
    scanned: ScannedSet, name: str, house: Sequence[NDArray[np.bool_]]
) -> tuple[str, ...]:
    """The row of one preset."""
    options = PrepareOptions.parse(dict(PREPARE_PRESETS[name]), "prepare")
    parts = parts_of(scanned, scanned.compared, options)
    overlap = [(x & y).sum() / max(1, (x | y).sum()) for x, y in zip(parts, house, strict=True)]
    defects = [scan for scan in scanned.defective if scan.gt is not None and scan.gt.any()]
    outside = [
        1.0 - part[scan.gt].mean()
        for part, scan in zip(parts_of(scanned, defects, options), defects, strict=True)
    ]
    empty = sum(not part.any() for part in parts_of(scanned, scanned.train, options))
    taken = [cpu_seconds(partial(measure_scan, scan, options)) for scan in scanned.compared]
    return (
        scanned.name,
        name,
        f"{np.median([part.mean() for part in parts]):.2f}",
        f"{np.median(overlap):.2f}",
        f"{np.mean(outside):.2f}",
        f"{empty} of {len(scanned.train)}",
        f"{1e3 * np.median(taken):.0f}",
        prepared(scanned, options),
    )


def parts_of(
    scanned: ScannedSet, scans: Sequence[Scan], options: PrepareOptions
) -> list[NDArray[np.bool_]]:
    """What is taken for the part, at the scans' own size."""
    training = training_of(scanned, options)
    return [part_of_scan(scan, options, training) for scan in scans]


def training_of(scanned: ScannedSet, options: PrepareOptions) -> TrainingPlane:
    """Mode and plane that the training scans decide."""
    facts = [measure_scan(scan, options).facts for scan in scanned.train]
    return training_plane(facts, options, scanned.name)


def prepared(scanned: ScannedSet, options: PrepareOptions) -> str:
    """Whether the set can be prepared so, or the line that refuses it."""
    with tempfile.TemporaryDirectory() as name:
        try:
            summary = prepare_category(scanned.samples, options, Path(name) / "a.h5", "{}", 1)
        except UserError as error:
            return f"refused: {error}"
    return f"yes, mode {summary.mode}"


if __name__ == "__main__":
    main()
