"""Where a configuration wants its outputs: refused before anything runs where they cannot be."""

from pathlib import Path

from dcrdf.errors import UserError


def check_folder(path: Path, key: str) -> None:
    """Refuse a folder that is a file, or lies below one (`UserError`)."""
    for place in (path, *path.parents):
        if place.is_dir():
            return
        if place.exists() or place.is_symlink():
            what = "a link to what is not there" if place.is_symlink() else "a file, not a folder"
            raise UserError(f"config: {key}: {place} is {what}; choose another folder")


def check_outside(results: Path, root: Path) -> None:
    """Refuse results among the raw scans, where they would be taken for some (`UserError`)."""
    if results.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"config: results: {results} lies in dataset.root, {root}; choose a folder outside it"
        )
