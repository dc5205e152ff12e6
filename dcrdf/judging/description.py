"""A detector's description: the JSON beside its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError
from dcrdf.files.jsonfile import read_json
from dcrdf.judging.thresholds import Thresholds, checked_thresholds
from dcrdf.modalities import FUSED

DESCRIPTION = "detector.json"
FORMAT = 1
EXPORTED = "export.json"
"""The description of an exported model; entries of a trained one's go by the same names."""
EXPORT_FORMAT = 1


def read_description(folder: Path) -> dict[str, Any]:
    """The detector's JSON; `UserError` when the folder holds none or one of another format."""
    path = folder / DESCRIPTION
    if not path.is_file():
        raise UserError(f"{folder}: no detector here ({DESCRIPTION} is missing)")
    try:
        description: dict[str, Any] = read_json(path)
    except UserError as error:
        raise UserError(f"{error}; {remedy(folder)}") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise UserError(f"{path}: not a detector of format {FORMAT}; {remedy(folder)}")
    return description


def read_exported(folder: Path) -> dict[str, Any]:
    """The JSON of an exported model; `UserError` when it is missing, damaged or of another
    format."""
    path = folder / EXPORTED
    description: dict[str, Any] = read_json(path)
    if not isinstance(description, dict) or description.get("format") != EXPORT_FORMAT:
        raise UserError(f"{path}: not a model exported in format {EXPORT_FORMAT}; export it again")
    return description


def is_exported(folder: Path) -> bool:
    """Whether the folder holds an exported model."""
    return (folder / EXPORTED).is_file()


def fitted_thresholds(folder: Path) -> Thresholds:
    """The thresholds in a model's folder, trained or exported; `UserError` where there are none."""
    if is_exported(folder):
        description, name = read_exported(folder), EXPORTED
    else:
        description, name = read_description(folder), DESCRIPTION
        if "thresholds" not in description:
            raise UserError(
                f"{folder}: trained but not calibrated;"
                " use the `model` folder that `dcrdf infer` wrote"
            )
    with entries_named(folder, name):
        values = description["thresholds"]
        return checked_thresholds(values, (FUSED, *values))


def remedy(folder: Path) -> str:
    """What to do about a damaged detector: nothing makes its folder again while it is there."""
    return f"remove the folder {folder} and run again"


@contextmanager
def entries_named(folder: Path, name: str = DESCRIPTION) -> Iterator[None]:
    """An entry of the description that the body finds missing or unfit becomes a `UserError` that
    names the file."""
    path = folder / name
    try:
        yield
    except UserError as error:
        shown = str(error).removeprefix("config: ")
        raise UserError(shown if str(path) in shown else f"{path}: {shown}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: a missing or damaged entry ({type(error).__name__}: {error});"
            f" {remedy(folder)}"
        ) from None
