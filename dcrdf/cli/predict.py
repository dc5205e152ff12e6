"""Judge own scans: a score, good or defective, and a heat map of where. A scan that cannot be used
is reported, stands without a score in OUT/scores.csv, and the exit code is then 2. Where no scan
can be used, nothing is written.

Each FILE is a colour image. Its geometry has the same name and lies in the same folder, in a
sibling folder `xyz` or `depth`, or in --geometry: a TIFF of points in metres or, with a camera,
a 16-bit depth image. With --without rgb each FILE is such a geometry file itself, with --without
depth a colour image without geometry. The camera is --camera, or camera.json (.yaml) in one of
these folders or above the file's.
"""

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.cli.common import add_device_argument
from dcrdf.cli.own_scans import OwnScans, distinct
from dcrdf.errors import UserError, about
from dcrdf.modalities import FUSED, MODALITIES, OTHER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.models.model import Model, Verdict

TABLE = "scores.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf predict`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="scans, see above")
    parser.add_argument("--out", type=Path, required=True, help="folder for heat maps and table")
    parser.add_argument("--geometry", type=Path, help="folder of the xyz or depth files")
    parser.add_argument("--camera", type=Path, help="camera file of 16-bit depth images")
    parser.add_argument("--without", choices=MODALITIES, help="do without one modality")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier call's table and heat maps"
    )
    add_device_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Score every scan; write OUT/scores.csv and a heat map per scan."""
    from dcrdf.datasets.cameras import read_camera

    folder = args.model / "model" if (args.model / "model").is_dir() else args.model
    files = distinct(args.files)
    camera = None if args.camera is None else read_camera(args.camera)
    scans = OwnScans(args.geometry, camera, args.without)
    read = {path.resolve() for file in files for path in scans.files_of(file)}
    read |= {args.camera.resolve()} if args.camera else set()
    _keep_what_is_read(args.out, files, read)
    earlier = _earlier(args.out, overwrite=args.overwrite)

    import dcrdf

    model = dcrdf.load(folder, args.device)
    for path in earlier:
        if path.resolve() not in read:
            path.unlink(missing_ok=True)
    rows: list[list[str]] = []
    try:
        for file in files:
            _score(model, scans, file, args.out, rows)
    finally:  # what was scored is kept also when a heat map cannot be written
        scored = sum(bool(row[1]) for row in rows)
        if scored:
            _write_table(args.out / TABLE, rows)
    if scored:
        used = OTHER.get(args.without, FUSED)
        print(model.thresholds[used]["note"])
    failed = len(files) - scored
    if failed:
        print(f"dcrdf: {failed} of {len(files)} scans could not be scored", file=sys.stderr)
    return 2 if failed else 0


def _score(model: "Model", scans: OwnScans, file: Path, out: Path, rows: list[list[str]]) -> None:
    """Score a scan, add its row to the table, write its heat map, and say what it is."""
    try:
        rgb, xyz, told = scans.read(file)
        for text in told:
            print(f"{file}: {text}", file=sys.stderr, flush=True)
        with about(file):
            verdict = model.predict(rgb, xyz)
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr, flush=True)
        rows.append([str(file), "", "", "", str(error)])
        return
    word = "defective" if verdict.is_defective else "good"
    remark = _remark(verdict)
    score, threshold = f"{verdict.score:.9g}", f"{verdict.threshold:.9g}"
    rows.append([str(file), score, threshold, word, remark])
    _write_heat_map(_heat_map(out, file), _picture(rgb, xyz), verdict)
    print(f"{file}: {word}  score {verdict.score:.4g}  threshold {verdict.threshold:.4g}")
    if remark:
        print(f"{file}: {remark}", file=sys.stderr, flush=True)


def _keep_what_is_read(out: Path, files: list[Path], read: set[Path]) -> None:
    """Refuse an output folder in which an output would replace an input."""
    for path in (out / TABLE, *(_heat_map(out, file) for file in files)):
        if path.resolve() in read:
            raise UserError(f"{path}: would be overwritten; give another folder with --out")


def _earlier(out: Path, *, overwrite: bool) -> list[Path]:
    """An earlier call's table and the heat maps of its scans, which would pass for this call's;
    `UserError` unless they may go."""
    table = out / TABLE
    if not table.exists():
        return []
    if not overwrite:
        raise UserError(
            f"{table}: of an earlier call; give another folder with --out,"
            " or --overwrite to replace it and its heat maps"
        )
    try:
        with table.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            names = [row.get("image") or "" for row in csv.DictReader(file)]
    except csv.Error as error:
        raise UserError(f"{table}: not a table of scores: {error}") from None
    return [table, *(_heat_map(out, Path(name)) for name in names if Path(name).stem)]


def _heat_map(out: Path, file: Path) -> Path:
    return out / f"{file.stem}_heat.png"


def _picture(
    rgb: "NDArray[np.uint8] | None", xyz: "NDArray[np.float32] | None"
) -> "NDArray[np.uint8]":
    """What the heat map is laid over: the colour image or, without one, the heights."""
    if rgb is not None:
        return rgb
    import numpy as np

    from dcrdf.report.figures import height_picture, height_scale

    assert xyz is not None
    distance_m = xyz[..., 2]
    is_there = distance_m != 0.0
    lowest = distance_m[is_there].max()
    height = -np.where(is_there, distance_m, lowest)
    return height_picture(height, height_scale(height[is_there]))


def _remark(verdict: "Verdict") -> str:
    """A line for an image that is unlike good parts as a whole, else nothing."""
    from dcrdf.scoring.trust import UNUSUAL

    parts = [
        f"{name} is as a whole {factor:.3g} times as unusual as on any good part"
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
