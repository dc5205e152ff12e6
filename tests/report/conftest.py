"""Small made-up results in the real file formats: maps, metrics, losses, prepared images."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from dcrdf.files.hdf5 import fixed_texts, write_attributes
from dcrdf.report.context import ReportContext, RunFiles
from dcrdf.report.runs import RunResult, Threshold
from dcrdf.results.rows import collect

SIZE = 32
DEFECTS = ["good"] * 4 + ["dent"] * 3 + ["stain"] * 2
THRESHOLD = {
    "threshold": 0.6,
    "requested_rate": 0.05,
    "expected_rate": 1 / 9,
    "upper_rate": 0.3123,
    "confidence": 0.95,
    "validation_images": 8,
    "note": "8 good validation images cannot certify a false-alarm rate of 5 %",
}
SCORES = {
    "good": [0.2, 0.3, 0.4, 0.7],
    "dent": [0.9, 0.5, 0.8],
    "stain": [0.95, 0.3],
}


def images(defects: list[str]) -> SimpleNamespace:
    """A prepared test split: noise with a square defect in every defective image."""
    rng = np.random.default_rng(7)
    count = len(defects)
    gt = np.zeros((count, SIZE, SIZE), dtype=bool)
    for at, kind in enumerate(defects):
        gt[at, 8:16, 10:20] = kind != "good"
    return SimpleNamespace(
        rgb=rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8),
        depth=rng.normal(0.5, 0.1, (count, SIZE, SIZE)).astype(np.float32),
        gt=gt,
        name=[f"{at:03d}" for at in range(count)],
        missing_share=rng.random(count) / 10,
        distance_m=None,
    )


def scores_of(defects: list[str]) -> np.ndarray:
    """Image scores in the order of `defects`, from `SCORES` and at random beyond it."""
    queues = {kind: list(values) for kind, values in SCORES.items()}
    return np.array([queues[kind].pop(0) if queues.get(kind) else 0.5 for kind in defects])


def write_maps(path: Path, split: SimpleNamespace, defects: list[str], **changes: Any) -> None:
    """A maps.h5; `changes` replace its attributes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    scores = scores_of(defects)
    with h5py.File(path, "w") as file:
        test = file.create_group("test")
        for at, branch in enumerate(("fused", "rgb", "depth")):
            maps = 0.1 * rng.random((len(defects), SIZE, SIZE)) + 0.5 * split.gt
            test[branch] = maps.astype(np.float16)
            test[f"score_{branch}"] = scores + 0.01 * at
        test["name"], test["defect"] = fixed_texts(split.name), fixed_texts(defects)
        test["label"] = np.array([kind != "good" for kind in defects], dtype=np.int8)
        validation = file.create_group("validation")
        for branch in ("fused", "rgb", "depth"):
            validation[f"score_{branch}"] = np.linspace(0.1, 0.55, 8)
        attributes = {"stage": "{}", "seed": 0, "input_digest": "d1g35t"}
        write_attributes(file, attributes | {"threshold": json.dumps(THRESHOLD)} | changes)


@dataclass
class Results:
    """A folder of made-up results and what the report needs of it."""

    folder: Path
    defects: list[str]
    entry: Callable[..., dict[str, Any]]
    write_metrics: Callable[..., Path]
    splits: dict[str, SimpleNamespace] = field(default_factory=dict)
    runs: list[RunFiles] = field(default_factory=list)

    def add(self, run: str, category: str, seed: int = 0, quality: float = 0.9) -> RunFiles:
        """Write the outputs of one run on one category with one seed."""
        place = self.folder / f"run{len(self.runs)}"
        split = self.splits.setdefault(category, images(self.defects))
        write_maps(place / "maps.h5", split, self.defects)
        values = [
            self.entry(quality),
            self.entry(quality - 0.1, branch="rgb"),
            self.entry(quality - 0.05, metric="aupro_30", size="native"),
            self.entry(quality - 0.2, metric="aupro_30", size="network"),
            self.entry(quality, defect="dent"),
        ]
        identity = {"run": run, "category": category, "seed": seed}
        self.write_metrics(place / "metrics.json", values=values, **identity)
        (place / "losses.csv").write_text("epoch,total,focal\n0,2.0,0.5\n1,1.0,0.25\n")
        files = RunFiles(
            run,
            category,
            seed,
            place / "maps.h5",
            place / "metrics.json",
            Path(category),
            place / "losses.csv",
        )
        self.runs.append(files)
        return files

    @contextmanager
    def open_prepared(self, path: Path) -> Iterator[Any]:
        """Stands in for the prepared HDF5's reader."""
        split = self.splits[str(path)]
        yield SimpleNamespace(split={"test": split, "train": split}.get, height_range_mm=(0.0, 9.0))

    def context(self, **changes: Any) -> ReportContext:
        """The report's input over all runs that were added."""
        values = {
            "out": self.folder / "report.html",
            "title": "A report",
            "rows": collect([one.metrics for one in self.runs]),
            "runs": self.runs,
            "open_prepared": self.open_prepared,
            "examples": 3,
        }
        return ReportContext(**(values | changes))


@pytest.fixture
def results(
    tmp_path: Path, entry: Callable[..., dict[str, Any]], write_metrics: Callable[..., Path]
) -> Results:
    """An empty folder of results."""
    return Results(tmp_path, list(DEFECTS), entry, write_metrics)


@pytest.fixture(scope="module")
def two_runs(
    tmp_path_factory: pytest.TempPathFactory,
    entry: Callable[..., dict[str, Any]],
    write_metrics: Callable[..., Path],
) -> Results:
    """Two runs on two categories; for tests that change nothing."""
    made = Results(tmp_path_factory.mktemp("two_runs"), list(DEFECTS), entry, write_metrics)
    for run, quality in (("full", 0.9), ("dual_rd", 0.8)):
        for category in ("nut", "bolt"):
            made.add(run, category, quality=quality)
    return made


@pytest.fixture
def make_result(tmp_path: Path) -> Callable[..., RunResult]:
    """A run's result from scores of good and defective images, without files."""

    def make(
        good: list[float],
        bad: list[float],
        kinds: list[str] | None = None,
        threshold: float = 0.5,
        run: str = "full",
        category: str = "nut",
        seed: int = 0,
        not_judged: Mapping[int, str] | None = None,
    ) -> RunResult:
        reasons = not_judged or {}
        scores = np.array([*good, *bad], dtype=np.float64)
        return RunResult(
            RunFiles(run, category, seed, tmp_path, tmp_path, tmp_path),
            [f"{at:03d}" for at in range(len(scores))],
            ["good"] * len(good) + (kinds or ["dent"] * len(bad)),
            np.arange(len(scores)) >= len(good),
            {"fused": scores},
            Threshold.model_validate(THRESHOLD | {"threshold": threshold}),
            size=0,
            not_judged=[reasons.get(at, "") for at in range(len(scores))],
        )

    return make
