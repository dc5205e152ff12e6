"""Whether colour and depth of a sample belong together, and the depth shows anything."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from dcrdf.checks.exchanged import exchanged
from dcrdf.checks.facts import SampleFacts
from dcrdf.checks.finding import SHOWN, Finding, shortened
from dcrdf.checks.partners import NEXT, PREVIOUS, Rival, rivals
from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.decisions import decide_mode, median_part_share
from dcrdf.preparation.summary import PARTLESS


def pairs_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """Depth that fits another colour image, or fits when mirrored or turned.

    A finding says in how many scans it is so. Where parts are alike in shape and place, or
    symmetrical, other partners fit as well: those are no finding.
    """
    ordered = sorted(seen, key=lambda facts: (facts.sample.rgb.parent, facts.sample.rgb.name))
    folders = [facts.sample.rgb.parent for facts in ordered]
    others = rivals([facts.pair for facts in ordered], folders)
    better = [rival for rival in others if rival.is_better]
    if better:
        best = max(better, key=lambda rival: rival.typical_gain)
        return [Finding("warning", "pairs", _better(best))]
    findings = _single_ones(ordered, others)
    if findings:
        return shortened(findings)
    worse = [rival.name for rival in others if rival.is_worse]
    if not worse:
        detail = (
            "cannot be judged: other scans' depth, or turned depth, fits the colour images as well;"
            " look at some yourself"
        )
        return [Finding("warning", "pairs", detail)]
    unsure = [rival.name for rival in others if not rival.is_worse]
    but = f"; not told apart: {', '.join(unsure)}" if unsure else ""
    return [Finding("ok", "pairs", f"colour fits its own depth better than others{but}")]


def depth_rule(seen: Sequence[SampleFacts], options: PrepareOptions) -> list[Finding]:
    """Depth that is the same everywhere or for several images, and good scans without a part."""
    findings = [
        Finding("warning", "depth", "all points lie at one distance: no depth", facts.points_file)
        for facts in seen
        if facts.is_flat
    ]
    same: dict[str, list[SampleFacts]] = defaultdict(list)
    for facts in seen:
        if not facts.is_flat:
            same[facts.depth_content].append(facts)
    for group in same.values():
        if len({facts.content for facts in group}) > 1:
            names = ", ".join(facts.sample.identity for facts in group[:SHOWN])
            detail = f"one depth for {len(group)} different images: {names}"
            findings.append(Finding("warning", "depth", detail, group[0].points_file))
    return shortened(findings) + shortened(_without_part(seen, options))


def _without_part(seen: Sequence[SampleFacts], options: PrepareOptions) -> list[Finding]:
    train = [facts.scan for facts in seen if facts.sample.split == "train"]
    if not train or decide_mode(train, options) != "part":
        return []
    usual = median_part_share(train)
    return [
        Finding(
            "warning",
            "part",
            f"good, but {facts.scan.part_share:.1%} of it stands out, {usual:.1%} elsewhere: no"
            " part in it?",
            facts.points_file,
        )
        for facts in seen
        if facts.sample.is_good and facts.scan.part_share < PARTLESS * usual
    ]


def _better(rival: Rival) -> str:
    won, of = rival.wins
    is_shift = rival.name in (NEXT, PREVIOUS)
    which = f"{rival.name} in its folder" if is_shift else f"its own, {rival.name}"
    return (
        f"in {won} of {of} scans the colour fits another depth better: {which}"
        f" (agreement {rival.agreement - rival.typical_gain:.2f} -> {rival.agreement:.2f})"
    )


def _single_ones(ordered: Sequence[SampleFacts], others: Sequence[Rival]) -> list[Finding]:
    """Pairs of scans whose depths have changed places, and other scans whose colour clearly fits
    another depth, each by its best rival."""
    swapped = exchanged([facts.pair for facts in ordered])
    findings = [
        Finding(
            "warning",
            "pairs",
            "the colour fits another depth better, and that one's colour fits this depth: have they"
            f" changed places with {ordered[other].sample.identity}?",
            ordered[one].sample.rgb,
        )
        for one, other in swapped
    ]
    known = {index for pair in swapped for index in pair}
    return findings + [one for index, one in _odd_ones(ordered, others) if index not in known]


def _odd_ones(ordered: Sequence[SampleFacts], others: Sequence[Rival]) -> list[tuple[int, Finding]]:
    best: dict[int, tuple[float, str]] = {}
    for rival in others:
        for index in rival.odd_ones():
            gain = float(rival.gains[index])
            best[index] = max(best.get(index, (-np.inf, "")), (gain, rival.name))
    found = []
    for index, (_, name) in sorted(best.items()):
        which = f"its own, {name}" if name not in (NEXT, PREVIOUS) else f"{name} in its folder"
        detail = f"the colour fits another depth better: {which}"
        found.append((index, Finding("warning", "pairs", detail, ordered[index].sample.rgb)))
    return found
