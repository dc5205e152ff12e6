"""Judge own scans: a score, good or defective, and a heat map of where.

A scan is not judged where a sensor does not show the part or shows it in another unit (black or
over-exposed colour, depth that is missing, flat or too far away): the reason stands in the table.
With --judge-anyway its score decides all the same. A scan that cannot be used is reported and
stands without a score in OUT/scores.csv. Where no scan can be used, nothing is written.

Exit status: 0 all scans are judged, good or defective (the table says which); 3 some are not
judged; 2 some could not be used, or the call is refused.

Each FILE is a colour image. Its geometry has the same name and lies in the same folder, in a
sibling folder `xyz` or `depth`, or in --geometry: a TIFF of points in metres or, with a camera,
a 16-bit depth image. With --without rgb each FILE is such a geometry file itself, with --without
depth a colour image without geometry. The camera is --camera, or camera.json (.yaml) in one of
these folders or above the file's.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.cli.common import add_device_argument
from dcrdf.cli.own_scans import OwnScans, distinct
from dcrdf.cli.score_table import TABLE, UNFINISHED, ScoreTable, earlier, heat_map_of
from dcrdf.errors import UserError, about
from dcrdf.modalities import MODALITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.models.model import Model
    from dcrdf.models.verdict import Verdict

ALL_JUDGED, SOME_UNUSABLE, SOME_NOT_JUDGED = 0, 2, 3
"""Exit statuses, the second before the third where both are true."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf predict`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="scans, see above")
    parser.add_argument("--out", type=Path, required=True, help="folder for heat maps and table")
    parser.add_argument("--geometry", type=Path, help="folder of the xyz or depth files")
    parser.add_argument("--camera", type=Path, help="camera file of 16-bit depth images")
    parser.add_argument("--without", choices=MODALITIES, help="do without one modality")
    parser.add_argument(
        "--judge-anyway", action="store_true", help="also what a dead or wrong sensor gave"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier call's table and heat maps"
    )
    add_device_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Score every scan; write OUT/scores.csv and a heat map per scan."""
    from dcrdf.datasets.cameras import read_camera
    from dcrdf.files.locks import only_writer

    files = distinct(args.files)
    camera = None if args.camera is None else read_camera(args.camera)
    scans = OwnScans(args.geometry, camera, args.without)
    read = {path.resolve() for file in files for path in scans.files_of(file)}
    read |= {args.camera.resolve()} if args.camera else set()
    _keep_what_is_read(args.out, files, read)
    with _no_new_empty_folder(args.out), only_writer(args.out):
        replaced = earlier(args.out, overwrite=args.overwrite)
        model = _model(args)
        for path in replaced:
            if path.resolve() not in read:
                path.unlink(missing_ok=True)
        table = ScoreTable(args.out)
        with table.finished():
            for file in files:
                _score(model, scans, file, args.out, table)
    return _conclude(table, model.thresholds[model.scorer.answering(args.without)]["note"])


def _model(args: argparse.Namespace) -> "Model":
    import dcrdf

    folder = args.model / "model" if (args.model / "model").is_dir() else args.model
    model = dcrdf.load(folder, args.device, judge_anyway=args.judge_anyway)
    if model.lacks:
        print(f"{folder}: {model.lacks}", file=sys.stderr, flush=True)
    return model


def _conclude(table: ScoreTable, note: str) -> int:
    """Say what the threshold promises and what was not done; the exit status."""
    unusable = len(table.rows) - table.scored
    if table.scored > table.not_judged:
        print(note)
    if table.not_judged:
        said = f"{table.not_judged} of {len(table.rows)} scans are not judged"
        print(f"dcrdf: {said}", file=sys.stderr)
    if unusable:
        said = f"{unusable} of {len(table.rows)} scans could not be scored"
        print(f"dcrdf: {said}", file=sys.stderr)
    if unusable:
        return SOME_UNUSABLE
    return SOME_NOT_JUDGED if table.not_judged else ALL_JUDGED


def _score(model: "Model", scans: OwnScans, file: Path, out: Path, table: ScoreTable) -> None:
    """Score a scan, add its row to the table, write its heat map, and say what it is."""
    try:
        rgb, xyz, told = scans.read(file)
        for text in told:
            print(f"{file}: {text}", file=sys.stderr, flush=True)
        with about(file):
            verdict = model.predict(rgb, xyz)
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr, flush=True)
        table.add_unusable(file, str(error))
        return
    table.add(file, verdict.score, verdict.threshold, verdict.word, verdict.remark)
    _write_heat_map(heat_map_of(out, file), _picture(rgb, xyz), verdict)
    if verdict.not_judged:
        print(f"{file}: {verdict.remark}", flush=True)
        return
    print(
        f"{file}: {verdict.word}  score {verdict.score:.4g}  threshold {verdict.threshold:.4g}",
        flush=True,
    )
    if verdict.remark:
        print(f"{file}: {verdict.remark}", file=sys.stderr, flush=True)


def _keep_what_is_read(out: Path, files: Sequence[Path], read: set[Path]) -> None:
    """Refuse an output folder in which an output would replace an input."""
    for path in (out / TABLE, out / UNFINISHED, *(heat_map_of(out, file) for file in files)):
        if path.resolve() in read:
            raise UserError(f"{path}: would be overwritten; give another folder with --out")


@contextmanager
def _no_new_empty_folder(out: Path) -> "Iterator[None]":
    """Take away again what was made of `out` and its parents where nothing is written."""
    new = [path for path in (out, *out.parents) if not path.exists()]
    try:
        yield
    finally:
        for path in new:
            with suppress(OSError):
                path.rmdir()


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


def _write_heat_map(path: Path, rgb: "NDArray[np.uint8]", verdict: "Verdict") -> None:
    from dcrdf.files.images import write_png
    from dcrdf.report.figures import Scale
    from dcrdf.report.overlay import heat_overlay, marked_as_not_judged

    scale = Scale(verdict.map_median, 2.0 * verdict.threshold - verdict.map_median)
    picture = heat_overlay(rgb, verdict.map, scale, verdict.threshold)
    write_png(path, marked_as_not_judged(picture) if verdict.not_judged else picture)
