"""All benchmarks one after another, then one table of the figures that matter: `make bench`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figures import FOLDER_VARIABLE, read, summary

PARTS = (
    "metrics",
    "preparation",
    "anomalies",
    "geometry",
    "banks",
    "store",
    "workflow",
    "training",
)
OUTPUT = Path(__file__).with_name("summary.md")


def main() -> int:
    """Run every part in a process of its own; the exit code is that of the first that failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {FOLDER_VARIABLE: folder}
        for part in PARTS:
            print(f"== {part} ==", flush=True)
            command = [sys.executable, "-m", f"bench.{part}"]
            code = subprocess.run(command, check=False, env=environment).returncode
            if code:
                print(f"bench.{part}: failed with exit code {code}", flush=True)
            failed = failed or code
        text = summary(read(Path(folder)))
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
