"""What the pages of all benchmarks share: tables, and the line that says what figures depend on."""

import os
import platform
from collections.abc import Sequence
from types import ModuleType

Rows = list[tuple[str, ...]]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], rule: str = "") -> str:
    """A Markdown table; `rule` is its second line where columns are not all left-aligned."""
    lines = [_line(header), rule or _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines)


def machine_line(*packages: ModuleType, processor: str = "") -> str:
    """Processor (its architecture by default), cores, Python, and the packages' versions."""
    names = {"cv2": "OpenCV"}
    parts = [
        processor or platform.machine(),
        f"{os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        *(f"{names.get(one.__name__, one.__name__)} {one.__version__}" for one in packages),
    ]
    return ", ".join(parts)


def load_average() -> str:
    """How busy the machine was in the last minute."""
    return f"load average {os.getloadavg()[0]:.1f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
