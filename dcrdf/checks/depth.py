"""What is odd about depth: distances, heights, far and missing points."""

from collections.abc import Sequence

import numpy as np

from dcrdf.checks.facts import SampleFacts
from dcrdf.checks.finding import Finding, shortened
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import FARTHEST_PLAUSIBLE_M
from dcrdf.datasets.units import points_unit
from dcrdf.preparation.decisions import background_is_cut
from dcrdf.preparation.summary import BACKGROUND_CUT

NEAREST_USUAL_M, FARTHEST_USUAL_M = 0.05, 10.0
UNUSUAL_DISTANCE_RATIO = 2.0
SURE_BEND_ERROR, BEND_TOLERANCE, FEWEST_BENDS = 0.1, 0.2, 4
MUCH_MISSING, MOSTLY_MISSING = 0.3, 0.7


def units_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Distances from the camera that are far from usual, or from one another."""
    distances_m = [facts.distance_m for facts in seen if not np.isnan(facts.distance_m)]
    if 2 * len(distances_m) <= len(seen):
        return []
    middle_m = float(np.median(distances_m))
    shown = (
        f"median {middle_m:.3g} m, {min(distances_m):.3g} to {max(distances_m):.3g} m"
        f" ({points_unit([facts.sample for facts in seen])})"
    )
    findings = [Finding("ok", "distance", shown)]
    if not NEAREST_USUAL_M <= middle_m <= FARTHEST_USUAL_M:
        hint = "are these metres?"
        findings = [Finding("warning", "distance", f"{shown}: {hint}", seen[0].points_file)]
    for facts in seen:
        ratio = facts.distance_m / middle_m
        if ratio > UNUSUAL_DISTANCE_RATIO or ratio < 1 / UNUSUAL_DISTANCE_RATIO:
            detail = f"{facts.distance_m:.3g} m away, the others {middle_m:.3g} m: another unit?"
            findings.append(Finding("warning", "distance", detail, facts.points_file))
    return shortened(findings)


def missing_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """How much depth the sensor missed."""
    mean = float(np.mean([facts.scan.missing_share for facts in seen]))
    worst = max(seen, key=lambda facts: facts.scan.missing_share)
    shown = f"{mean:.1%} of the points on average, {worst.scan.missing_share:.1%} at most"
    if background_is_cut([x.scan for x in seen if x.sample.split == "train"]):
        detail = f"{shown}; {BACKGROUND_CUT}"
        return [Finding("warning", "missing depth", detail, worst.points_file)]
    if mean > MUCH_MISSING or worst.scan.missing_share > MOSTLY_MISSING:
        return [Finding("warning", "missing depth", shown, worst.points_file)]
    return [Finding("ok", "missing depth", shown)]


def far_points_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Points that are taken as missing because of their distance."""
    return shortened(
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


def bowl_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Distances along the ray in place of depth, where enough scans tell."""
    bends = [x.bend.bend for x in seen if x.bend is not None and x.bend.error <= SURE_BEND_ERROR]
    if len(bends) < FEWEST_BENDS:
        return []
    low, middle, high = np.percentile(bends, [25.0, 50.0, 75.0])
    if abs(middle - 1.0) > BEND_TOLERANCE or high - low > 2.0 * BEND_TOLERANCE:
        return []
    what = "depth" if seen[0].sample.depth is not None else "z"
    detail = (
        f"the background is a bowl of the form (exponent {middle:.2f}) that distances along the ray"
        f" have: {what} must be along the camera's axis; for depth images say depth_along: ray in"
        " the camera file"
    )
    return [Finding("warning", "distance", detail, seen[0].points_file)]


def heights_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Heights that no part can have: numbers that stand for points that were not measured."""
    findings = []
    for facts in seen:
        if facts.height_span_m > facts.distance_m:
            detail = (
                f"heights span {facts.height_span_m:.3g} m, {facts.distance_m:.3g} m from the"
                " camera: points that were not measured? set them to zero"
            )
            findings.append(Finding("warning", "heights", detail, facts.points_file))
    span_m = float(np.median([facts.height_span_m for facts in seen]))
    return shortened(findings) or [Finding("ok", "heights", f"span {span_m:.3g} m in the median")]
