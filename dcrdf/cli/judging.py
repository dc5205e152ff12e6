"""What `predict` and `watch` do with one scan: the same arguments, the same scoring path, the same
heat map, the same words."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.cli.common import add_device_argument
from dcrdf.cli.own_scans import OwnScans
from dcrdf.errors import about
from dcrdf.modalities import MODALITIES, Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.judging.judge import Judge
    from dcrdf.judging.verdict import Verdict

ALL_JUDGED, SOME_UNUSABLE, SOME_NOT_JUDGED = 0, 2, 3
"""Exit statuses, the second before the third where both are true."""


@dataclass(frozen=True)
class Judged:
    """A scan's verdict, the picture (H, W, 3) uint8 that its heat map is laid over, and its points
    (H, W, 3) in metres, where it has any."""

    verdict: "Verdict"
    picture: "NDArray[np.uint8]"
    points_m: "NDArray[np.float32] | None"


def add_scan_arguments(parser: argparse.ArgumentParser) -> None:
    """How scans are found, read and judged."""
    parser.add_argument("--geometry", type=Path, help="folder of the xyz or depth files")
    parser.add_argument("--camera", type=Path, help="camera file of 16-bit depth images")
    parser.add_argument("--without", choices=MODALITIES, help="do without one modality")
    parser.add_argument(
        "--judge-anyway", action="store_true", help="also what a dead or wrong sensor gave"
    )
    add_device_argument(parser)


def scans_of(args: argparse.Namespace) -> OwnScans:
    """Where the scans' files are; `UserError` for a camera file that is none."""
    from dcrdf.datasets.cameras import read_camera

    camera = None if args.camera is None else read_camera(args.camera)
    return OwnScans(args.geometry, camera, args.without)


def folder_of(given: Path) -> Path:
    """The model's folder, of a job's or its own."""
    return given / "model" if (given / "model").is_dir() else given


def model_of(args: argparse.Namespace) -> "Judge":
    """The model, of a job's folder or its own; says what one of an older version cannot tell."""
    import dcrdf

    folder = folder_of(args.model)
    model = dcrdf.load(folder, args.device, judge_anyway=args.judge_anyway)
    if model.lacks:
        print(f"{folder}: {model.lacks}", file=sys.stderr, flush=True)
    return model


def promise(model: "Judge", without: Modality | None) -> str:
    """What the threshold that decides says of new good parts."""
    return str(model.thresholds[model.answering(without)]["note"])


def judge(model: "Judge", scans: OwnScans, file: Path) -> Judged:
    """Read and judge one scan; `UserError` that names it where it cannot be used."""
    rgb, xyz, told = scans.read(file)
    for text in told:
        print(f"{file}: {text}", file=sys.stderr, flush=True)
    with about(file):
        verdict = model.predict(rgb, xyz)
    return Judged(verdict, _picture(rgb, xyz), xyz)


def say(file: Path, verdict: "Verdict", more: str = "") -> None:
    """Print what a scan is."""
    if verdict.not_judged:
        print(f"{file}: {verdict.remark}{more}", flush=True)
        return
    score = f"score {verdict.score:.4g}  threshold {verdict.threshold:.4g}"
    print(f"{file}: {verdict.word}  {score}{more}", flush=True)
    if verdict.remark:
        print(f"{file}: {verdict.remark}", file=sys.stderr, flush=True)


def conclude(scans: int, not_judged: int, unusable: int) -> int:
    """Say how many of the scans were not done; the exit status."""
    if not_judged:
        print(f"dcrdf: {not_judged} of {scans} scans are not judged", file=sys.stderr)
    if unusable:
        print(f"dcrdf: {unusable} of {scans} scans could not be scored", file=sys.stderr)
        return SOME_UNUSABLE
    return SOME_NOT_JUDGED if not_judged else ALL_JUDGED


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


def write_heat_map(path: Path, judged: Judged) -> None:
    """The scan's picture with its map over it, and a frame where it was not judged."""
    from dcrdf.files.images import write_png
    from dcrdf.report.figures import threshold_scale
    from dcrdf.report.overlay import heat_overlay, marked_as_not_judged

    verdict = judged.verdict
    scale = threshold_scale(verdict.map_median, verdict.threshold)
    picture = heat_overlay(judged.picture, verdict.map, scale, verdict.threshold)
    write_png(path, marked_as_not_judged(picture) if verdict.not_judged else picture)
