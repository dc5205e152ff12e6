"""The benchmark that a GPU machine runs with one command, at tiny size on the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_and_inference(tmp_path, precision):
    out = tmp_path / "table.md"
    small = {"--size": 64, "--batch": 2, "--samples": 4, "--steps": 1, "--weights": "random"}
    arguments = [str(x) for pair in small.items() for x in pair]
    command = [sys.executable, "-m", "bench.training", *arguments, "--precision", precision]
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    rows = [line.split("|")[1:-1] for line in out.read_text().splitlines() if "| " in line][1:]
    names = [row[0].strip() for row in rows if not row[0].startswith("---")]
    assert len(names) == 8
    assert sum(name.startswith("training") for name in names) == 2
    speeds = [float(row[1]) for row in rows]
    assert min(speeds) > 0
