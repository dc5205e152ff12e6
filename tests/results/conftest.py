"""Hand-made metrics files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dcrdf.config.stages import digest_of_record
from dcrdf.results.rows import COLUMNS


@pytest.fixture
def metrics_file(tmp_path: Path, write_metrics: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a metrics.json with the given changes and returns its path."""

    def write(run: str = "full", category: str = "nut", seed: int = 0, **changes: Any) -> Path:
        path = tmp_path / run / category / f"seed{seed}" / "metrics.json"
        identity = {"run": run, "category": category, "seed": seed}
        return write_metrics(path, **(identity | changes))

    return write


@pytest.fixture
def description_file() -> Callable[..., Path]:
    """Writes the `detector.json` that belongs to a metrics.json, which is then made from it;
    returns its path."""

    def write(metrics: Path, **changes: Any) -> Path:
        train = {"teacher": {"name": "resnet18"}, "train": {"epochs": 3}}
        contents = {
            "detector": "memory_bank",
            "options": {"bank_max": 10},
            "preparation": {"options": {"image_size": 64}, "input_digest": "d1g35t"},
            "pseudo": {"variants": 2},
            "trained_on": {"device": "cpu"},
            "weights_sha256": "f00d",
            "stage": {"stage": "train", "version": 1, "options": train, "upstream": {}},
            "infer": {"stage": "infer", "version": 2, "options": {"fusion": "avg"}},
        } | changes
        path = metrics.parent / "model" / "detector.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(contents), encoding="utf-8")
        made = json.loads(metrics.read_text())
        made["stage"]["upstream"] = {"infer": digest_of_record(contents["infer"])}
        metrics.write_text(json.dumps(made), encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_rows(entry: Callable[..., dict[str, Any]]) -> Callable[..., pd.DataFrame]:
    """Tidy rows of one metric from {(run, category, seed): value}, NaN for undefined."""

    def make(values: dict[tuple[str, str, int], float], **changes: Any) -> pd.DataFrame:
        lines = [
            {
                "dataset": "demo",
                "run": run,
                "category": category,
                "seed": seed,
                **entry(number),
                "low": float("nan"),
                "high": float("nan"),
                **changes,
            }
            for (run, category, seed), number in values.items()
        ]
        return pd.DataFrame(lines, columns=list(COLUMNS))

    return make
