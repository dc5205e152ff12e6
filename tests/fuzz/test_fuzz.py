"""Damaged files end in a sound result or in one line that names the file, code 2, nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cases.py")
MEMORY_BYTES = 2_000_000_000
SECONDS = 1800


def assert_all_end_well(folder, first, stop):
    """Run cases in a process of their own: it may be killed, and its memory is measured."""
    result = subprocess.run(
        [sys.executable, SCRIPT, folder, str(first), str(stop)],
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"')]
    *problems, summary = lines
    assert problems == []
    assert summary["done"] == stop - first
    assert summary["changed"] == [], "files beside the damaged one were touched"
    assert summary["peak"] < MEMORY_BYTES
    codes = summary["codes"]
    assert sum(count for key, count in codes.items() if key.endswith(": 2")) > (stop - first) / 3


def test_a_hundred_damaged_files(tmp_path):
    assert_all_end_well(tmp_path, 0, 100)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 1000, 300))
def test_damaged_files(tmp_path, first):
    assert_all_end_well(tmp_path, first, first + 300)
