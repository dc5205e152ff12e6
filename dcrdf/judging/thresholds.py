"""Thresholds of a model: fitted ones, and those that people set by hand, with when and why.

What was set lies in a file of its own beside the model's description, which a training's and a
calibration's records name: weights, records and everything made from them stay as they are.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError
from dcrdf.files.jsonfile import read_json, write_json
from dcrdf.files.locks import only_writer

SET_THRESHOLDS = "threshold.json"
FORMAT = 1
LONGEST_NOTE = 1000
Thresholds = Mapping[str, Mapping[str, Any]]
"""By name: `threshold`, `map_median` (of validation maps), `note` (what it promises); of one that
was set by hand also `fitted`, the one it stands for."""
Change = Mapping[str, Any]
"""`of` (the threshold's name), `at` (UTC), `threshold` (null: the fitted one again), `before`,
`fitted`, `note`."""


def set_threshold(
    folder: Path, fitted: Thresholds, name: str, value: float | None, note: str
) -> Change:
    """Have `value` decide from now on instead of the fitted threshold `name`; None takes that
    again. The history is kept. Raises `UserError` for a value that is no score and for an empty
    note of one."""
    if value is not None:
        _check_value(value, float(fitted[name]["threshold"]))
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise UserError(f"--note: up to {LONGEST_NOTE} characters of text are expected")
    if value is not None and not note:
        raise UserError("--note: say why, for whoever reads the verdicts")
    with only_writer(folder):
        history = read_history(folder, fitted)
        own = float(fitted[name]["threshold"])
        last = _last(history, name)
        before = own if last is None or last["threshold"] is None else last["threshold"]
        change = {
            "of": name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "threshold": value,
            "before": before,
            "fitted": own,
            "note": note,
        }
        write_json(folder / SET_THRESHOLDS, {"format": FORMAT, "history": [*history, change]})
    return change


def read_history(folder: Path, fitted: Thresholds) -> list[Change]:
    """All changes, the oldest first; none where nothing was ever set. `UserError` for a damaged
    file."""
    path = folder / SET_THRESHOLDS
    if not path.exists():
        return []
    value = read_json(path)
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"of format {value['format']}")
        return [_checked(one, fitted) for one in value["history"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path}: a missing or damaged entry ({type(error).__name__}: {error});"
            " remove it to go back to the fitted thresholds"
        ) from None


def thresholds_in_use(folder: Path, fitted: Thresholds) -> Thresholds:
    """The fitted thresholds, and in their place those that were set by hand. `UserError` for one
    that was set beside another fitted one: scores may be on another scale since."""
    history, used = read_history(folder, fitted), dict(fitted)
    for name, own in fitted.items():
        last = _last(history, name)
        if last is None or last["threshold"] is None:
            continue
        if last["fitted"] != own["threshold"]:
            raise UserError(
                f"{folder / SET_THRESHOLDS}: {name} was set beside the fitted {last['fitted']:.6g},"
                f" which is now {own['threshold']:.6g}: the model was calibrated anew; set it again"
                f" or give `dcrdf threshold {folder} --reset`"
            )
        used[name] = {
            **own,
            "threshold": last["threshold"],
            "fitted": own["threshold"],
            "note": origin(last),
        }
    return used


def origin(change: Change) -> str:
    """A change in words."""
    at = change["at"].replace("T", " ").replace("+00:00", " UTC")
    if change["threshold"] is None:
        because = f": {change['note']}" if change["note"] else ""
        return f"the fitted {change['fitted']:.6g} again, {at}{because}"
    return (
        f"threshold set by hand to {change['threshold']:.6g} on {at}"
        f" (fitted: {change['fitted']:.6g}, before: {change['before']:.6g}): {change['note']}"
    )


def is_set_by_hand(threshold: Mapping[str, Any]) -> bool:
    """Whether it is not the fitted one."""
    return "fitted" in threshold


def checked_thresholds(values: Thresholds, names: Sequence[str]) -> Thresholds:
    """Thresholds as a description holds them; KeyError, TypeError or ValueError unless all of
    these names have one."""
    for name in names:
        numbers = (values[name]["threshold"], values[name]["map_median"])
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"the threshold of {name} is not a number")
        str(values[name]["note"])
    return values


def _last(history: Sequence[Change], name: str) -> Change | None:
    return next((one for one in reversed(history) if one["of"] == name), None)


def _check_value(value: float, fitted: float) -> None:
    """Sums of standardised maps may have a fitted threshold below 0."""
    lowest = min(0.0, fitted)
    if not math.isfinite(value) or value < lowest:
        raise UserError(f"--set: {value}: a score is a number from {lowest:.6g} up; give one")


def _checked(change: Any, fitted: Thresholds) -> Change:
    if change["of"] not in fitted:
        raise ValueError(f"no threshold {change['of']!r}")
    numbers = [change["before"], change["fitted"]]
    if change["threshold"] is not None:
        numbers.append(change["threshold"])
    if not all(type(x) in (int, float) and math.isfinite(x) for x in numbers):
        raise ValueError("a threshold is not a number")
    datetime.fromisoformat(change["at"])
    str(change["note"]).encode()
    checked: Change = change
    return checked
