"""The single questions that `check` asks of a category's samples; each gives findings."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.datasets.load import FARTHEST_PLAUSIBLE_M, load_scan, median_distance_m
from dcrdf.datasets.sample import SPLITS, Sample
from dcrdf.errors import UserError
from dcrdf.files.formats import describe_format
from dcrdf.preparation.alignment import EdgeProduct, best_shift, edge_product
from dcrdf.preparation.decisions import decide_mode, median_part_share
from dcrdf.preparation.measure import MeasuredScan, ScanFacts, measure_scan
from dcrdf.preparation.summary import HIGH_SHARE, LOW_SHARE, SMALL_PART_SHARE

FEW_TRAINING_SAMPLES = 10
NEAREST_USUAL_M, FARTHEST_USUAL_M = 0.05, 10.0
UNUSUAL_DISTANCE_RATIO = 2.0
MUCH_MISSING, MOSTLY_MISSING = 0.3, 0.7
MAX_SHIFT_SHARE = 0.01
CONFIDENCE = 0.95
"""Of a certified false-alarm rate, as `infer` prints it."""
SHOWN = 5


class Finding(NamedTuple):
    """One line of the report."""

    severity: Literal["ok", "warning", "error"]
    what: str
    detail: str
    file: Path | None = None


@dataclass(frozen=True)
class SampleFacts:
    """What is kept of a sample that was looked at. Shares lie in [0, 1]."""

    sample: Sample
    content: str
    formats: tuple[str, str]
    distance_m: float
    height_span_m: float
    gt_share: float | None
    scan: ScanFacts
    edges: EdgeProduct

    @property
    def points_file(self) -> Path:
        """The file with the depth."""
        return self.sample.xyz or self.sample.depth or self.sample.rgb


Rule = Callable[[Sequence[SampleFacts], PrepareOptions], list[Finding]]


def look_at(sample: Sample, options: PrepareOptions) -> SampleFacts | str:
    """Read and measure a sample; what makes it unusable comes back as text."""
    try:
        scan = load_scan(sample)
        measured = measure_scan(scan, options)
        points_file = sample.xyz or sample.depth or sample.rgb
        return SampleFacts(
            sample=sample,
            content=hashlib.sha256(scan.rgb.tobytes()).hexdigest(),
            formats=(describe_format(sample.rgb), describe_format(points_file)),
            distance_m=median_distance_m(scan.xyz[..., 2]),
            height_span_m=_span_m(measured),
            gt_share=None if scan.gt is None else float(scan.gt.mean()),
            scan=measured.facts,
            edges=edge_product(measured.rgb, measured.surface_m),
        )
    except UserError as error:
        return str(error)
    except cv2.error as error:
        return f"{sample.rgb}: cannot be measured: {error}"


def samples_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """How many there are of what."""
    per_split = Counter(facts.sample.split for facts in seen)
    kinds = Counter(facts.sample.defect for facts in seen if facts.sample.split == "test")
    shown = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    counts = ", ".join(f"{split} {per_split[split]}" for split in SPLITS)
    findings = [Finding("ok", "samples", f"{counts}" + (f" ({shown})" if shown else ""))]
    findings.append(_threshold_finding(per_split["validation"]))
    if per_split["train"] < FEW_TRAINING_SAMPLES:
        findings.append(Finding("warning", "samples", f"only {per_split['train']} for training"))
    if set(kinds) == {"good"} or "good" not in kinds:
        missing = "good" if "good" not in kinds else "defective"
        findings.append(
            Finding("warning", "samples", f"no {missing} test images: metrics stay undefined")
        )
    return findings


def formats_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """File formats and image sizes."""
    formats = Counter(" + ".join(facts.formats) for facts in seen)
    sizes = Counter(f"{height} x {width}" for height, width in (x.scan.native_size for x in seen))
    return [
        Finding("ok", "formats", _counted(formats)),
        Finding("ok", "size", f"{_counted(sizes)} (height x width)"),
    ]


def units_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Distances from the camera that are far from usual, or from one another."""
    distances_m = [facts.distance_m for facts in seen]
    middle_m = float(np.median(distances_m))
    shown = f"median {middle_m:.3g} m, {min(distances_m):.3g} to {max(distances_m):.3g} m"
    if middle_m < 0:
        hint = "z must grow away from the camera; change its sign"
        return [Finding("warning", "distance", f"{shown}: {hint}", seen[0].points_file)]
    findings = [Finding("ok", "distance", shown)]
    if not NEAREST_USUAL_M <= middle_m <= FARTHEST_USUAL_M:
        hint = "are these metres?"
        findings = [Finding("warning", "distance", f"{shown}: {hint}", seen[0].points_file)]
    for facts in seen:
        ratio = facts.distance_m / middle_m
        if not 1 / UNUSUAL_DISTANCE_RATIO <= ratio <= UNUSUAL_DISTANCE_RATIO:
            detail = f"{facts.distance_m:.3g} m away, the others {middle_m:.3g} m: another unit?"
            findings.append(Finding("warning", "distance", detail, facts.points_file))
    return _shortened(findings)


def heights_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Heights that no part can have: numbers that stand for points that were not measured."""
    findings = []
    for facts in seen:
        if facts.height_span_m > abs(facts.distance_m):
            detail = (
                f"heights span {facts.height_span_m:.3g} m, {facts.distance_m:.3g} m from the"
                " camera: points that were not measured? set them to zero"
            )
            findings.append(Finding("warning", "heights", detail, facts.points_file))
    span_m = float(np.median([facts.height_span_m for facts in seen]))
    return _shortened(findings) or [Finding("ok", "heights", f"span {span_m:.3g} m in the median")]


def far_points_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Points that are taken as missing because of their distance."""
    return _shortened(
        Finding(
            "warning",
            "missing depth",
            f"{facts.scan.far_points} points farther than {FARTHEST_PLAUSIBLE_M:.0f} m are taken"
            " as missing",
            facts.points_file,
        )
        for facts in seen
        if facts.scan.far_points
    )


def missing_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """How much depth the sensor missed."""
    mean = float(np.mean([facts.scan.missing_share for facts in seen]))
    worst = max(seen, key=lambda facts: facts.scan.missing_share)
    shown = f"{mean:.1%} of the points on average, {worst.scan.missing_share:.1%} at most"
    if mean > MUCH_MISSING or worst.scan.missing_share > MOSTLY_MISSING:
        return [Finding("warning", "missing depth", shown, worst.points_file)]
    return [Finding("ok", "missing depth", shown)]


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
    if mode == "field" and options.mode == "auto" and share > SMALL_PART_SHARE:
        hint = "set prepare.mode: part if that is the part"
        return [Finding("warning", "mode", f"{shown}: {hint}")]
    return [Finding("ok", "mode", shown)]


def alignment_rule(seen: Sequence[SampleFacts], options: PrepareOptions) -> list[Finding]:
    """Whether colour and depth lie on one another."""
    shift = best_shift([facts.edges for facts in seen])
    if shift is None:
        detail = "cannot be judged: colour and depth share too few edges"
        return [Finding("ok", "alignment", detail)]
    height, width = np.median([facts.scan.native_size for facts in seen], axis=0)
    scale = (width / options.image_size, height / options.image_size)
    if options.resize == "letterbox":
        scale = (max(scale), max(scale))
    shown = f"edges agree best (correlation {shift.correlation:.2f})"
    if max(abs(shift.right_px), abs(shift.down_px)) <= MAX_SHIFT_SHARE * options.image_size:
        return [Finding("ok", "alignment", f"{shown} where they are")]
    moves = [
        _move(-shift.right_px * scale[0], "right", "left"),
        _move(-shift.down_px * scale[1], "down", "up"),
    ]
    detail = f"{shown} with depth moved {' and '.join(filter(None, moves))}: cameras registered?"
    return [Finding("warning", "alignment", detail)]


def duplicates_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Colour images that are there more than once; across splits they spoil the evaluation."""
    same: dict[str, list[Sample]] = defaultdict(list)
    for facts in seen:
        same[facts.content].append(facts.sample)
    findings = [
        Finding(
            "warning",
            "duplicates",
            f"one image {len(group)} times: " + ", ".join(x.identity for x in group[:SHOWN]),
            group[0].rgb,
        )
        for group in same.values()
        if len(group) > 1
    ]
    across = sum(len({x.split for x in group}) > 1 for group in same.values())
    if across:
        detail = f"{across} images are in more than one split: results would be too good"
        return [Finding("warning", "duplicates", detail), *_shortened(findings)]
    return _shortened(findings) or [Finding("ok", "duplicates", "none")]


def masks_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Masks that contradict their folder, or are not there."""
    findings = []
    defective = [facts for facts in seen if not facts.sample.is_good]
    for facts in seen:
        if facts.gt_share is not None and bool(facts.gt_share) is facts.sample.is_good:
            holds = "marks a defect" if facts.sample.is_good else "is empty"
            detail = f"the mask of {facts.sample.identity} {holds}"
            findings.append(Finding("warning", "masks", detail, facts.sample.gt))
    without = sum(facts.gt_share is None for facts in defective)
    if without:
        detail = f"{without} of {len(defective)} defective images have none"
        findings.append(Finding("warning", "masks", f"{detail}: only image scores can be judged"))
    if findings or not defective:
        return _shortened(findings)
    shares = [facts.gt_share or 0.0 for facts in defective]
    detail = f"defects cover {min(shares):.2%} to {max(shares):.2%}, median {np.median(shares):.2%}"
    return [Finding("ok", "masks", detail)]


def _span_m(measured: MeasuredScan) -> float:
    """Height between the lowest and the highest hundredth of the measured points."""
    heights_m = measured.surface_m[measured.valid]
    low_m, high_m = np.percentile(heights_m, [1.0, 99.0]) if heights_m.size else (0.0, 0.0)
    return float(high_m - low_m)


def _threshold_finding(images: int) -> Finding:
    """What so many validation images can say of false alarms; `infer` counts in the same way."""
    rate = InferOptions().false_alarm_rate
    to_expect = round(1 / rate) - 1
    to_certify = math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-rate))
    detail = (
        f"{images} validation images; a false-alarm rate of {rate:.0%} can be expected on average"
        f" from {to_expect} on, and certified with {CONFIDENCE:.0%} confidence from {to_certify} on"
    )
    return Finding("ok" if images >= to_expect else "warning", "threshold", detail)


RULES: tuple[Rule, ...] = (
    samples_rule,
    formats_rule,
    units_rule,
    missing_rule,
    far_points_rule,
    heights_rule,
    mode_rule,
    alignment_rule,
    duplicates_rule,
    masks_rule,
)


def _move(distance_px: float, onward: str, back: str) -> str:
    rounded = round(distance_px)
    return f"{abs(rounded)} px {onward if rounded > 0 else back}" if rounded else ""


def _counted(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} of {name}" for name, count in counts.most_common())


def _shortened(findings: Iterable[Finding]) -> list[Finding]:
    found = list(findings)
    if len(found) <= SHOWN:
        return found
    return [*found[:SHOWN], found[SHOWN]._replace(detail=f"{len(found) - SHOWN} more", file=None)]
