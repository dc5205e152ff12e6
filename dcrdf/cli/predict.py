"""Judge own scans: a score, good or defective, and a heat map of where. A scan that cannot be used
is reported and left out; the exit code is then 2.

Each IMAGE is a colour image. Its geometry has the same name and lies in the same folder, in a
sibling folder `xyz` or `depth`, or in --geometry: a TIFF of points in metres or, with a camera, a
16-bit depth PNG. The camera is --camera, or camera.json (.yaml) in one of these folders or above
the image's.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.cli.common import add_device_argument
from dcrdf.config.sources import check_text
from dcrdf.errors import UserError, about

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.datasets.sample import Camera, Sample
    from dcrdf.detectors.model import Model, Verdict

TIFF = (".tiff", ".tif", ".TIFF", ".TIF")
PNG = (".png", ".PNG")
TABLE = "scores.csv"
UNUSUAL = 1.25
"""From here on a modality is remarked on: no verdict on such an image should be relied on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf predict`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="colour images")
    parser.add_argument("--out", type=Path, required=True, help="folder for heat maps and table")
    parser.add_argument("--geometry", type=Path, help="folder of the xyz or depth files")
    parser.add_argument("--camera", type=Path, help="camera file of 16-bit depth images")
    parser.add_argument("--without", choices=["rgb", "depth"], help="do without one modality")
    add_device_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Score every image; write OUT/scores.csv and a heat map per image."""
    from dcrdf.datasets.cameras import read_camera

    folder = args.model / "model" if (args.model / "model").is_dir() else args.model
    for image in args.images:
        check_text(image)
    names = [image.stem for image in args.images]
    if len(set(names)) != len(names):
        raise UserError("predict: two images have the same name; score them into two folders")
    camera = None if args.camera is None else read_camera(args.camera)
    _keep_what_is_read(args)

    import dcrdf

    model = dcrdf.load(folder, args.device)
    rows = []
    for image in args.images:
        try:
            rgb, verdict = _judge(model, _sample(image, camera, args), args)
        except UserError as error:
            print(f"dcrdf: error: {error}", file=sys.stderr, flush=True)
            continue
        _write_heat_map(_heat_map(args.out, image), rgb, verdict)
        word = "defective" if verdict.is_defective else "good"
        print(f"{image}: {word}  score {verdict.score:.4g}  threshold {verdict.threshold:.4g}")
        remark = _remark(verdict)
        if remark:
            print(f"{image}: {remark}", file=sys.stderr, flush=True)
        rows.append([str(image), f"{verdict.score:.9g}", f"{verdict.threshold:.9g}", word, remark])
    if rows:
        _write_table(args.out / TABLE, rows)
        used = {"rgb": "depth", "depth": "rgb"}.get(args.without or "", "fused")
        print(model.thresholds[used]["note"])
    failed = len(names) - len(rows)
    if failed:
        print(f"dcrdf: {failed} of {len(names)} images could not be scored", file=sys.stderr)
    return 2 if failed else 0


def _keep_what_is_read(args: argparse.Namespace) -> None:
    """Refuse an output folder in which an output would replace an input."""
    outputs = {(args.out / TABLE).resolve()}
    outputs |= {_heat_map(args.out, image).resolve() for image in args.images}
    for image in args.images:
        geometry = [_named_alike(image, _places(image, args), kind) for kind in (TIFF, PNG)]
        for path in (image, args.camera, *geometry):
            if path is not None and path.resolve() in outputs:
                raise UserError(f"{path}: would be overwritten; give another folder with --out")


def _heat_map(out: Path, image: Path) -> Path:
    return out / f"{image.stem}_heat.png"


def _places(image: Path, args: argparse.Namespace) -> list[Path]:
    """Where the geometry of an image may lie."""
    return [args.geometry] if args.geometry else [image.parent, *_siblings(image)]


def _sample(image: Path, camera: "Camera | None", args: argparse.Namespace) -> "Sample":
    from dcrdf.datasets.sample import Sample

    common = {"category": "own", "split": "test", "defect": "good", "name": image.stem}
    if args.without == "depth":
        return Sample(**common, rgb=image)  # type: ignore[arg-type]
    places = _places(image, args)
    xyz = None if camera else _named_alike(image, places, TIFF)
    if xyz is not None:
        return Sample(**common, rgb=image, xyz=xyz)  # type: ignore[arg-type]
    depth = _named_alike(image, places, PNG)
    if depth is not None:
        camera = camera or _nearest_camera(image, places)
        return Sample(**common, rgb=image, depth=depth, camera=camera)  # type: ignore[arg-type]
    kind = "16-bit depth PNG" if camera else "xyz TIFF or 16-bit depth PNG"
    raise UserError(f"{image}: no {kind} named {image.stem} is beside it; give --geometry FOLDER")


def _named_alike(image: Path, places: Sequence[Path], suffixes: tuple[str, ...]) -> Path | None:
    for place in places:
        for suffix in suffixes:
            found = place / f"{image.stem}{suffix}"
            if found.is_file() and found != image:
                return found
    return None


def _nearest_camera(image: Path, places: Sequence[Path]) -> "Camera":
    """The camera whose file lies beside or above the geometry or the image."""
    from dcrdf.datasets.cameras import camera_in

    above = [image.parent.parent, image.parent.parent.parent]
    for place in dict.fromkeys([*places, *(place.parent for place in places), *above]):
        camera = camera_in(place)
        if camera is not None:
            return camera
    raise UserError(f"{image}: its depth image needs a camera; give --camera FILE")


def _siblings(image: Path) -> list[Path]:
    return [image.parent.parent / name for name in ("xyz", "depth")]


def _judge(
    model: "Model", sample: "Sample", args: argparse.Namespace
) -> "tuple[NDArray[np.uint8], Verdict]":
    """The colour image, for showing, and what the model says."""
    from dcrdf.datasets.load import load_scan
    from dcrdf.files.images import read_rgb

    if args.without == "depth":
        rgb = read_rgb(sample.rgb)
        with about(sample.rgb):
            return rgb, model.predict(rgb, None)
    scan = load_scan(sample)
    if scan.far_points:
        taken = f"{scan.far_points} points implausibly far away taken as missing"
        print(f"{sample.rgb}: {taken}", file=sys.stderr, flush=True)
    with about(sample.rgb):
        return scan.rgb, model.predict(None if args.without == "rgb" else scan.rgb, scan.xyz)


def _remark(verdict: "Verdict") -> str:
    """A line for an image that is unlike good parts nearly everywhere, else nothing."""
    parts = [
        f"{name} is {factor:.3g} times as unusual as on any good part, nearly everywhere"
        for name, factor in verdict.unusual.items()
        if factor > UNUSUAL
    ]
    return "; ".join([*parts, "look at light, sensor and part"]) if parts else ""


def _write_heat_map(path: Path, rgb: "NDArray[np.uint8]", verdict: "Verdict") -> None:
    from dcrdf.files.images import write_png
    from dcrdf.report.figures import Scale
    from dcrdf.report.overlay import heat_overlay

    scale = Scale(verdict.map_median, 2.0 * verdict.threshold - verdict.map_median)
    write_png(path, heat_overlay(rgb, verdict.map, scale, verdict.threshold))


def _write_table(path: Path, rows: list[list[str]]) -> None:
    from dcrdf.files.atomic import replacing

    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "score", "threshold", "verdict", "remark"])
        writer.writerows(rows)
