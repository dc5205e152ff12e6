"""Whether the part stands out from its background, and colour and depth lie on one another."""

from collections.abc import Sequence

import numpy as np

from dcrdf.checks.alignment import MIN_SCANS, best_shift
from dcrdf.checks.facts import SampleFacts
from dcrdf.checks.finding import Finding
from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.decisions import decide_mode, median_part_share
from dcrdf.preparation.summary import HIGH_SHARE, LOW_SHARE, SMALL_PART_SHARE

MAX_SHIFT_SHARE = 0.01


def mode_rule(seen: Sequence[SampleFacts], options: PrepareOptions) -> list[Finding]:
    """Part or field, and whether the foreground makes sense."""
    train = [facts.scan for facts in seen if facts.sample.split == "train"]
    if not train:
        return [Finding("error", "mode", "no training sample can be used")]
    mode, share = decide_mode(train, options), median_part_share(train)
    sound = sum(scan.plane_accepted for scan in train)
    shown = (
        f"{mode}: a background plane in {sound} of {len(train)} training scans,"
        f" foreground {share:.1%} in the median"
    )
    if mode == "part" and not LOW_SHARE <= share <= HIGH_SHARE:
        hint = "part and background may be mixed up"
        return [Finding("warning", "mode", f"{shown}: {hint}")]
    behind = float(np.median([x.below_share for x in seen if x.sample.split == "train"]))
    if mode == "field" and behind >= max(options.part_min_share, share):
        hint = (
            f"{behind:.1%} lies behind the background: a disparity or a picture of nearness in"
            " place of depth, a wrong sign? (a field of pits may be so)"
        )
        return [Finding("warning", "mode", f"{shown}: {hint}")]
    if mode == "field" and options.mode == "auto" and share > SMALL_PART_SHARE:
        hint = "set prepare.mode: part if that is the part"
        return [Finding("warning", "mode", f"{shown}: {hint}")]
    return [Finding("ok", "mode", shown)]


def alignment_rule(seen: Sequence[SampleFacts], options: PrepareOptions) -> list[Finding]:
    """Whether colour and depth lie on one another."""
    shift = best_shift([facts.edges for facts in seen])
    if shift is None:
        few = (
            f"fewer than {MIN_SCANS} scans"
            if len(seen) < MIN_SCANS
            else "their edges agree nowhere"
        )
        detail = (
            f"cannot be judged: {few} (flat or finely textured surfaces, or colour and depth that"
            " do not belong together); look at some yourself"
        )
        return [Finding("warning", "alignment", detail)]
    height, width = np.median([facts.scan.native_size for facts in seen], axis=0)
    scale = (width / options.image_size, height / options.image_size)
    if options.resize == "letterbox":
        padded = -(-max(height, width) // options.pad_multiple) * options.pad_multiple
        scale = (padded / options.image_size,) * 2
    shown = f"edges agree best (correlation {shift.correlation:.2f})"
    if max(abs(shift.right_px), abs(shift.down_px)) <= MAX_SHIFT_SHARE * options.image_size:
        return [Finding("ok", "alignment", f"{shown} where they are")]
    moves = [
        _move(-shift.right_px * scale[0], "right", "left"),
        _move(-shift.down_px * scale[1], "down", "up"),
    ]
    detail = f"{shown} with depth moved {' and '.join(filter(None, moves))}: cameras registered?"
    return [Finding("warning", "alignment", detail)]


def _move(distance_px: float, onward: str, back: str) -> str:
    rounded = round(distance_px)
    return f"{abs(rounded)} px {onward if rounded > 0 else back}" if rounded else ""
