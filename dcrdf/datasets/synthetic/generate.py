"""A whole category on disk, in the layout of MVTec 3D-AD."""

import shutil
from pathlib import Path
from typing import Any

import cv2

from dcrdf.config.options import SyntheticOptions
from dcrdf.config.sources import SYNTHETIC_MARKER, SYNTHETIC_SIGN
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.datasets.synthetic.render import GOOD, SampleName, render
from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing_folder
from dcrdf.files.images import write_png, write_xyz
from dcrdf.files.jsonfile import write_json
from dcrdf.workers import Workers

CATEGORIES: tuple[str, ...] = tuple(RECIPES)

GENERATOR_VERSION = 1
"""Raised whenever the same options give other bits."""

SAMPLES_PER_TASK = 8


def synthesize(root: Path, category: str, options: SyntheticOptions, processes: int) -> None:
    """Make `root/category`: splits, colour images, points, ground truth, and a marker file.

    The folder appears only when it is complete. The same options give the same bits for any
    number of processes, and a sample does not depend on how many others are made. Raises
    `UserError` for an unknown category, for a folder that somebody else filled, and for what the
    file system refuses.
    """
    if category not in RECIPES:
        known = ", ".join(CATEGORIES)
        raise UserError(f"{category}: no such embedded category; choose one of {known}")
    folder = root / category
    is_ours = (folder / SYNTHETIC_SIGN).is_file()
    with replacing_folder(folder, overwrite=is_ours) as aside:
        if is_ours:  # gone at once, so that no interruption leaves data of other options
            shutil.rmtree(folder)
        (aside / SYNTHETIC_SIGN).write_text(
            "made by dcrdf synthesize, which may replace this folder\n"
        )
        _write_all(aside, sample_names(category, options), options.image_size, processes)
        write_json(aside / SYNTHETIC_MARKER, marker_of(category, options))


def sample_names(category: str, options: SyntheticOptions) -> list[SampleName]:
    """All samples of a category: train, validation, test."""
    counts = [("train", GOOD, options.train), ("validation", GOOD, options.validation)]
    counts += [("test", GOOD, options.test_good)]
    counts += [("test", kind, options.test_per_defect) for kind in RECIPES[category].defects]
    return [
        SampleName(category, split, kind, index, options.seed)
        for split, kind, count in counts
        for index in range(count)
    ]


def marker_of(category: str, options: SyntheticOptions) -> dict[str, Any]:
    """What the marker file says: options, version of the generator, camera (pixels, mm)."""
    recipe = RECIPES[category]
    focal_px = recipe.rig.focal_per_side * options.image_size
    centre_px = (options.image_size - 1) / 2
    return {
        "category": category,
        "options": options.model_dump(mode="json"),
        "generator_version": GENERATOR_VERSION,
        "camera": {"fx": focal_px, "fy": focal_px, "cx": centre_px, "cy": centre_px},
        "camera_distance_mm": recipe.rig.distance_mm,
        "defects": list(recipe.defects),
    }


def write_sample(folder: Path, name: SampleName, size_px: int) -> None:
    """Render a sample and write its files below the category's folder."""
    rendered = render(name, size_px)
    place = _folder_of(folder, name)
    write_png(place / "rgb" / f"{name.index:03d}.png", rendered.rgb, level=1)
    write_xyz(place / "xyz" / f"{name.index:03d}.tiff", rendered.xyz)
    if name.split == "test":
        write_png(place / "gt" / f"{name.index:03d}.png", rendered.gt)


def _folder_of(folder: Path, name: SampleName) -> Path:
    return folder / name.split / name.kind


def _write_all(folder: Path, names: list[SampleName], size_px: int, processes: int) -> None:
    tasks = [
        (folder, names[start : start + SAMPLES_PER_TASK], size_px)
        for start in range(0, len(names), SAMPLES_PER_TASK)
    ]
    with Workers(processes) as workers:
        for _ in workers.map(_write_some, tasks):
            pass


def _write_some(task: tuple[Path, list[SampleName], int]) -> None:
    folder, names, size_px = task
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for name in names:
            write_sample(folder, name, size_px)
    finally:
        cv2.setNumThreads(threads)
