"""What lies in the folder of an exported model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.scans.arrays import ScanArrays

GRAPH, GOLDEN, SCRIPT = "model.onnx", "golden.npz", "score.py"
"""Beside the description (`export.json`): the graph, an input with its output, and a script that
scores without dcrdf."""
INPUTS: Mapping[str, tuple[str, str]] = {
    "colour": ("uint8 (B, S, S, 3)", "the colour image"),
    "height": ("float32 (B, S, S)", "the normalised height"),
    "valid": ("bool (B, S, S)", "where height was measured"),
    "inside": ("bool (B, S, S)", "where the image is, not a letterbox's bars"),
    "on_part": ("bool (B, S, S)", "where the height is the part's, also where it was filled"),
    "outline": ("bool (B, S, S)", "where the part is"),
    "normals": ("float32 (B, S, S, 3)", "surface normals, encoded in [0, 1]"),
}
"""What a graph may be given of B prepared scans, in this order."""


def inputs_of(scans: ScanArrays) -> dict[str, NDArray[Any]]:
    """The arrays of scans by the names of `INPUTS`; `UserError` where they lack one."""
    found: dict[str, NDArray[Any] | None] = {
        "colour": scans.rgb,
        "height": None if scans.height is None else scans.height.astype(np.float32),
        "valid": scans.valid,
        "inside": scans.inside,
        "on_part": scans.on_part,
        "outline": scans.outline,
    }
    if scans.normals is not None:
        found["normals"] = scans.normals.astype(np.float32)
    lacking = [name for name, x in found.items() if x is None]
    if lacking:
        raise UserError(f"these scans have no {', '.join(lacking)}")
    return {name: np.ascontiguousarray(x) for name, x in found.items() if x is not None}


def write_golden(
    folder: Path, given: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> None:
    """Keep a prepared scan and what the graph makes of it."""
    arrays: dict[str, Any] = {**given, **found}
    np.savez_compressed(folder / GOLDEN, **arrays)


def read_golden(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """A prepared scan by the graph's inputs, and what it must make of it; `UserError` when the file
    is damaged."""
    path = folder / GOLDEN
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise UserError(f"{path}: not readable: {error}; export the model again") from None
    given = {name: x for name, x in values.items() if name in INPUTS}
    return given, {name: x for name, x in values.items() if name not in INPUTS}
