"""How the results were made: options side by side, and what they weigh on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcrdf.results.dotted import dotted


@dataclass(frozen=True)
class SettingsTable:
    """Options that all runs share, and per run those that differ."""

    runs: list[str]
    common: list[tuple[str, str]]
    different: list[tuple[str, list[str]]]


def compare_settings(settings: Mapping[tuple[str, str], Mapping[str, Any]]) -> SettingsTable:
    """Split (run, category) -> options into what is common and what differs between runs.

    An option that one run holds differently for some categories names them.
    """
    flat = {key: dict(dotted(options)) for key, options in settings.items()}
    runs = list(dict.fromkeys(run for run, _ in flat))
    names = dict.fromkeys(name for options in flat.values() for name in options)
    common, different = [], []
    for name in names:
        texts = [_text_of_run(name, run, flat) for run in runs]
        if len(set(texts)) == 1:
            common.append((name, texts[0]))
        else:
            different.append((name, texts))
    return SettingsTable(runs, common, different)


def disk_sizes(folders: Mapping[str, Path]) -> list[tuple[str, int]]:
    """Label and bytes of all regular files below each path that exists, links not followed."""
    return [(label, _size(path)) for label, path in folders.items() if path.exists()]


def size_text(size: int) -> str:
    """Bytes in a unit that keeps the number short."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
        value /= 1000.0
    return f"{value:.1f} TB"


def _text_of_run(name: str, run: str, flat: Mapping[tuple[str, str], Mapping[str, str]]) -> str:
    by_value: dict[str, list[str]] = {}
    for (other, category), options in flat.items():
        if other == run:
            by_value.setdefault(options.get(name, "-"), []).append(category)
    if len(by_value) == 1:
        return next(iter(by_value))
    return "; ".join(f"{value} ({', '.join(where)})" for value, where in by_value.items())


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.stat(follow_symlinks=False).st_size
    return sum(
        inner.stat(follow_symlinks=False).st_size
        for inner in path.rglob("*")
        if inner.is_file() and not inner.is_symlink()
    )
