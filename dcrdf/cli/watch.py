"""Judge scans as they appear in a folder: a line, a table row and a heat map each, and a warning
when light or sensor move.

FOLDER is where colour images appear (with --without rgb geometry files), and the geometry of the
same name is looked for where `dcrdf predict` looks. A scan is judged once all its files are there
and their sizes and times stay the same for --settle seconds. OUT/scores.jsonl has a line for each,
OUT/scores.csv the same as rows, OUT/heat/NAME_heat.png the heat map, OUT/drift.json what good parts
are like against validation. What stands in scores.jsonl is not judged again, unless its files
change. A scan that cannot be read is reported, and tried again when its files change.

It runs until SIGTERM or SIGINT, which end it after the scan in work. Exit status: 0 it was asked to
end; 2 it cannot start or write. With --once it judges what is there and ends; exit status as
`dcrdf predict`'s, of all scans that are there: 0 all judged; 3 some not judged; 2 some could not be
used.
"""

import argparse
import math
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from dcrdf.cli.judging import add_scan_arguments, conclude, model_of, promise, scans_of
from dcrdf.errors import UserError
from dcrdf.modalities import NOT_JUDGED, RGB

if TYPE_CHECKING:
    from dcrdf.cli.line import Line
    from dcrdf.cli.own_scans import OwnScans
    from dcrdf.watch.folder import DropFolder
    from dcrdf.watch.journal import Rotation

LONGEST_BLIND_S = 1.0
"""How long scans in a row are judged without a look at what came: latencies count from it."""
LONGEST_SLEEP_S = 0.2
"""How late a signal may be noticed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf watch`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where scans appear")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is found")
    parser.add_argument("--once", action="store_true", help="judge what is there, and end")
    parser.add_argument(
        "--every", type=_seconds, default=0.2, metavar="S", help="look so often (default: 0.2 s)"
    )
    parser.add_argument(
        "--settle", type=_seconds, default=0.5, metavar="S",
        help="files must not change for so long (default: 0.5 s)",
    )  # fmt: skip
    parser.add_argument(
        "--rotate", default="never", metavar="WHEN",
        help="put lines and table aside every `day`, or from a size on, such as 10MB"
        " (default: never)",
    )  # fmt: skip
    parser.add_argument(
        "--last", type=_parts, default=50, metavar="N", help="good parts that drift looks back over"
    )
    add_scan_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Judge what appears until asked to end, or what is there."""
    from dcrdf.cli.line import Line
    from dcrdf.files.locks import only_writer
    from dcrdf.watch.folder import DropFolder
    from dcrdf.watch.journal import Journal

    rotation, scans = _rotation(args.rotate), scans_of(args)
    _check_folders(args, scans)
    with _asked_to_end() as asked, only_writer(args.out):
        journal = Journal(args.out, rotation)
        model = model_of(args)
        line = Line(model, scans, args.folder, args.out, journal, args.last)
        if line.drift.blind:
            print(f"dcrdf: drift is not watched: {line.drift.blind}", file=sys.stderr, flush=True)
        needed = 0 if args.once else 1 if args.without else 2
        suffixes = (".tiff", ".tif", ".png") if args.without == RGB else (".png", ".jpg", ".jpeg")
        folder = DropFolder(args.folder, line.files_of, needed, suffixes, args.settle)
        print(f"{args.folder}: watched; {promise(model, args.without)}", flush=True)
        _watch(folder, line, asked, args)
        if not args.once or asked:
            return 0
        return _status(line, folder.names, args.folder)


def _watch(folder: "DropFolder", line: "Line", asked: list[int], args: argparse.Namespace) -> None:
    """Judge one scan after the other, until asked to end or, with --once, none is left."""
    is_away = False
    while not asked:
        now_s = time.monotonic()
        try:
            found, is_away = folder.look(now_s), False
        except OSError as error:
            if args.once:
                raise
            if not is_away:
                print(f"dcrdf: {args.folder}: {error.strerror}", file=sys.stderr, flush=True)
            found, is_away = [], True
        for file in folder.lonely(now_s):
            what = "waits for its geometry" if not args.without else "is empty"
            print(f"dcrdf: {file}: {what}", file=sys.stderr, flush=True)
        for one in found:
            if asked:
                return
            if line.take(one, folder):
                folder.done(one)
            if time.monotonic() - now_s > LONGEST_BLIND_S:
                break
        if args.once and folder.is_settled:
            return
        if not found:
            _sleep(args.every, asked)


def _sleep(duration_s: float, asked: list[int]) -> None:
    end_s = time.monotonic() + duration_s
    while not asked and (left_s := end_s - time.monotonic()) > 0.0:
        time.sleep(min(left_s, LONGEST_SLEEP_S))


def _status(line: "Line", names: set[str], folder: Path) -> int:
    """The exit status of `predict` for all scans that are there."""
    lines = [line.known[name] for name in sorted(names) if name in line.known]
    if not names:
        print(f"{folder}: no scans")
    unusable = sum(one["score"] is None for one in lines)
    not_judged = sum(one["verdict"] == NOT_JUDGED for one in lines) - unusable
    return conclude(len(lines), not_judged, unusable)


@contextmanager
def _asked_to_end() -> Iterator[list[int]]:
    """The signals that asked for an end; the second is an interruption as ever."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {one: signal.signal(one, note) for one in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not in the main thread
        yield asked
        return
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _check_folders(args: argparse.Namespace, scans: "OwnScans") -> None:
    """Refuse a folder that is not there, and one whose heat maps would be scans (`UserError`)."""
    if not args.folder.is_dir():
        raise UserError(f"{args.folder}: no such folder")
    looked_into = [args.folder, *scans.places_beside(args.folder)]
    if args.out.resolve() in {place.resolve() for place in looked_into}:
        raise UserError(f"{args.out}: scans are looked for there; give another folder with --out")
    if args.without != RGB and (args.folder / RGB).is_dir():
        raise UserError(f"{args.folder}: give the folder of the images, {args.folder / RGB}")


def _rotation(text: str) -> "Rotation":
    from dcrdf.watch.journal import Rotation

    if text in ("never", "day"):
        return Rotation(daily=text == "day")
    size = re.fullmatch(r"([1-9]\d{0,8})(k|M|G)B", text)
    if not size:
        raise UserError(f"--rotate: {text!r}: give never, day, or a size such as 10MB")
    return Rotation(max_bytes=int(size[1]) * {"k": 10**3, "M": 10**6, "G": 10**9}[size[2]])


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 3600.0 or math.isnan(value):
        raise argparse.ArgumentTypeError("seconds from 0 to 3600")
    return value


def _parts(text: str) -> int:
    value = int(text)
    if not 5 <= value <= 10_000:
        raise argparse.ArgumentTypeError("a number of parts from 5 to 10000")
    return value
