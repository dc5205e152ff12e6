"""The layouts of data sets by name: folder -> samples."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dcrdf.config.layouts import reader_options
from dcrdf.datasets.adam3d import left_out_of_adam3d, list_adam3d
from dcrdf.datasets.eyecandies import list_eyecandies
from dcrdf.datasets.mvtec3d import left_out_of_mvtec3d, list_mvtec3d
from dcrdf.datasets.own_folder import left_out_of_own_folder, list_own_folder
from dcrdf.datasets.pdreal import left_out_of_pdreal, list_pdreal
from dcrdf.datasets.sample import GOOD, SPLITS, Sample
from dcrdf.datasets.unread import LeftOut, visible_folders
from dcrdf.errors import UserError

READERS: Mapping[str, Callable[..., list[Sample]]] = {
    "mvtec3d": list_mvtec3d,
    "folder": list_own_folder,
    "eyecandies": list_eyecandies,
    "adam3d": list_adam3d,
    "pdreal": list_pdreal,
}
"""Of every layout of `config.layouts`. Called with the root and the category and, where the layout
has them, its reader's options."""

_LEFT_OUT: Mapping[str, Callable[[Path, str], list[LeftOut]]] = {
    "mvtec3d": left_out_of_mvtec3d,
    "folder": left_out_of_own_folder,
    "adam3d": left_out_of_adam3d,
    "pdreal": left_out_of_pdreal,
}


def list_categories(root: Path) -> list[str]:
    """The names of the folders below a data set's root; `UserError` when there are none."""
    if root.is_file():
        raise UserError(f"{root}: is a file; give the data set's folder")
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; set dataset.root to the data set's folder")
    names = [path.name for path in visible_folders(root)]
    if not names:
        raise UserError(f"{root}: holds no category folders")
    return names


def list_samples(
    root: Path, layout: str, category: str, reader: Mapping[str, Any] = MappingProxyType({})
) -> list[Sample]:
    """All samples of a category: train, validation, test; in each, good ones first, then by name.

    `reader` holds options of the layout's reader (`dataset.reader`); others are the defaults. Every
    sample listed has its files; `UserError` names the file that is missing or in the way.
    """
    options = reader_options(layout, reader)
    categories = list_categories(root)
    if category not in categories:
        raise UserError(f"{root}: no category {category!r}; there are: {', '.join(categories)}")
    try:
        samples = READERS[layout](root, category, *([] if options is None else [options]))
    except UserError as error:
        if layout != "folder" and (root / category / GOOD / "rgb").is_dir():
            hint = "laid out as own scans: set dataset.layout or --layout to folder"
            raise UserError(f"{error}; {root / category} is {hint}") from None
        raise
    return sorted(samples, key=_order)


def left_out(root: Path, layout: str, category: str) -> list[LeftOut]:
    """What lies among a category's samples and is not read."""
    return _LEFT_OUT[layout](root, category) if layout in _LEFT_OUT else []


def _order(sample: Sample) -> tuple[int, bool, str, str]:
    return SPLITS.index(sample.split), sample.defect != GOOD, sample.defect, sample.name
