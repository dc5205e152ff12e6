"""Show a model's thresholds and where they come from, or set one by hand.

What is set decides from then on, in `predict`, `watch` and `dcrdf.load`; when (UTC), why and what
it was before are kept in MODEL/threshold.json. The trained weights, and what was made with them,
stay as they are. --reset takes the fitted threshold again.
"""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.cli.judging import folder_of
from dcrdf.errors import UserError
from dcrdf.modalities import FUSED, MODALITIES, OTHER, Modality

if TYPE_CHECKING:
    from dcrdf.judging.thresholds import Thresholds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf threshold`."""
    parser.add_argument(
        "model", type=Path, help="a job's folder, its `model` folder, or an exported model"
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--set", metavar="VALUE", help="a score; higher ones are defective")
    action.add_argument("--reset", action="store_true", help="the fitted threshold again")
    parser.add_argument("--note", default="", metavar="TEXT", help="why; needed with --set")
    parser.add_argument(
        "--without", choices=MODALITIES, help="the threshold of scans without that modality"
    )


def run(args: argparse.Namespace) -> None:
    """Show or set."""
    from dcrdf.judging.description import fitted_thresholds
    from dcrdf.judging.thresholds import origin, read_history, set_threshold

    folder = folder_of(args.model)
    fitted = fitted_thresholds(folder)
    if args.set is None and not args.reset:
        if args.note:
            raise UserError("--note: give --set VALUE or --reset with it")
        _show(folder, fitted)
        return
    name = _name(fitted, args.without)
    value = None if args.reset else _number(args.set)
    if args.reset and not any(one["of"] == name for one in read_history(folder, fitted)):
        raise UserError(f"{folder}: the threshold of {name} is the fitted one; nothing to reset")
    change = set_threshold(folder, fitted, name, value, args.note)
    print(f"{folder}: {name}: {origin(change)}")


def _show(folder: Path, fitted: "Thresholds") -> None:
    from dcrdf.judging.thresholds import is_set_by_hand, origin, read_history, thresholds_in_use

    for name, one in thresholds_in_use(folder, fitted).items():
        where = "set" if is_set_by_hand(one) else "fitted"
        print(f"{name:14} {one['threshold']:<12.6g} {where}  {one['note']}")
    for change in read_history(folder, fitted):
        print(f"  {change['of']}: {origin(change)}")


def _name(fitted: "Thresholds", without: Modality | None) -> str:
    """As `predict` chooses it."""
    if without is None:
        return FUSED
    stood_in = f"without_{without}"
    name = stood_in if stood_in in fitted else OTHER[without]
    if name not in fitted:
        raise UserError(f"--without {without}: this model has no threshold of its own for that")
    return name


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise UserError(f"--set: {text!r}: a score is expected, a number such as 1.25")
    return value
