"""Judge own scans: a score, good or defective, a heat map of where, and a page over all of them.

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

from dcrdf.cli.judging import (
    add_scan_arguments,
    conclude,
    folder_of,
    judge,
    model_of,
    promise,
    say,
    scans_of,
    write_heat_map,
)
from dcrdf.cli.own_scans import OwnScans, distinct
from dcrdf.cli.score_table import GALLERY, TABLE, UNFINISHED, ScoreTable, earlier, heat_map_of
from dcrdf.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcrdf.judging.judge import Judge
    from dcrdf.report.explore.own import OwnGallery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf predict`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="scans, see above")
    parser.add_argument("--out", type=Path, required=True, help="folder for heat maps and table")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier call's table and heat maps"
    )
    add_scan_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Score every scan; write OUT/scores.csv, a heat map per scan, and OUT/gallery.html."""
    from dcrdf.files.locks import only_writer

    files = distinct(args.files)
    scans = scans_of(args)
    read = {path.resolve() for file in files for path in scans.files_of(file)}
    read |= {args.camera.resolve()} if args.camera else set()
    _keep_what_is_read(args.out, files, read)
    with _no_new_empty_folder(args.out), only_writer(args.out):
        replaced = earlier(args.out, overwrite=args.overwrite)
        model = model_of(args)
        for path in replaced:
            if path.resolve() not in read:
                path.unlink(missing_ok=True)
        table, gallery = ScoreTable(args.out), _gallery(args, model)
        with _written(gallery, args.out / GALLERY), table.finished():
            for file in files:
                _score(model, scans, file, args.out, table, gallery)
    if table.scored > table.not_judged:
        print(promise(model, args.without))
    return conclude(len(table.rows), table.not_judged, len(table.rows) - table.scored)


def _gallery(args: argparse.Namespace, model: "Judge") -> "OwnGallery":
    from dcrdf.report.explore.own import OwnGallery, OwnModel

    limits = model.thresholds[model.answering(args.without)]
    threshold, usual = float(limits["threshold"]), float(limits["map_median"])
    note, good = str(limits["note"]), model.good_validation
    return OwnGallery(OwnModel(folder_of(args.model), threshold, usual, note, good))


@contextmanager
def _written(gallery: "OwnGallery", path: Path) -> "Iterator[None]":
    """What was scored in the body is shown also when the body fails."""
    try:
        yield
    finally:
        gallery.write(path)


def _score(
    model: "Judge",
    scans: OwnScans,
    file: Path,
    out: Path,
    table: ScoreTable,
    gallery: "OwnGallery",
) -> None:
    """Score a scan, add it to table and gallery, write its heat map, and say what it is."""
    from dcrdf.report.explore.own import small_scan

    try:
        judged = judge(model, scans, file)
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr, flush=True)
        table.add_unusable(file, str(error))
        return
    verdict = judged.verdict
    table.add(file, verdict)
    gallery.add(
        small_scan(
            file.stem,
            verdict.score,
            verdict.not_judged,
            judged.picture,
            judged.points_m,
            verdict.map,
            verdict.gauges,
        )
    )
    write_heat_map(heat_map_of(out, file), judged)
    say(file, verdict)


def _keep_what_is_read(out: Path, files: Sequence[Path], read: set[Path]) -> None:
    """Refuse an output folder in which an output would replace an input."""
    for path in (
        out / TABLE,
        out / UNFINISHED,
        out / GALLERY,
        *(heat_map_of(out, file) for file in files),
    ):
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
