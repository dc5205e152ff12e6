"""All benchmarks one after another: `make bench`."""

import subprocess
import sys

PARTS = ("metrics", "preparation", "anomalies", "store", "workflow", "training")


def main() -> int:
    """Run every part in a process of its own; the exit code is that of the first that failed."""
    for part in PARTS:
        print(f"== {part} ==", flush=True)
        code = subprocess.run([sys.executable, "-m", f"bench.{part}"], check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
