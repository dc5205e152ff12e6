"""What a category holds: how many samples, their formats, duplicates, and masks."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from dcrdf.checks.facts import SampleFacts
from dcrdf.checks.finding import SHOWN, Finding, shortened
from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.datasets.sample import SPLITS, Sample
from dcrdf.files.remarks import Remark
from dcrdf.preparation.summary import some_of

FEW_TRAINING_SAMPLES = 10
CONFIDENCE = 0.95
"""Of a certified false-alarm rate, as `infer` prints it."""


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
    findings = [
        Finding("ok", "formats", _counted(formats)),
        Finding("ok", "size", f"{_counted(sizes)} (height x width)"),
    ]
    kinds = {is_grey: [x for x in seen if x.is_grey is is_grey] for is_grey in (True, False)}
    rarer = min(kinds, key=lambda is_grey: len(kinds[is_grey]))
    if kinds[rarer]:
        detail = f"{len(kinds[True])} images are grey, {len(kinds[False])} coloured: one camera?"
        findings.append(Finding("warning", "formats", detail, kinds[rarer][0].sample.rgb))
    return findings


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
        return [Finding("warning", "duplicates", detail), *shortened(findings)]
    return shortened(findings) or [Finding("ok", "duplicates", "none")]


def remarks_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """What was put right in files, or is odd in them."""
    found: dict[Remark, list[Sample]] = defaultdict(list)
    for facts in seen:
        for remark in facts.scan.remarks:
            found[remark].append(facts.sample)
    return [
        Finding(
            "warning",
            remark.what,
            f"{remark.detail}: {some_of([x.identity for x in samples])}",
            samples[0].gt if remark.what == "masks" else samples[0].rgb,
        )
        for remark, samples in found.items()
    ]


def masks_rule(seen: Sequence[SampleFacts], _: PrepareOptions) -> list[Finding]:
    """How much the masks mark, or how many are not there."""
    defective = [facts for facts in seen if not facts.sample.is_good]
    without = sum(facts.gt_share is None for facts in defective)
    if without:
        detail = f"{without} of {len(defective)} defective images have none"
        return [Finding("warning", "masks", f"{detail}: only image scores can be judged")]
    if not defective:
        return []
    shares = [facts.gt_share or 0.0 for facts in defective]
    detail = f"defects cover {min(shares):.2%} to {max(shares):.2%}, median {np.median(shares):.2%}"
    return [Finding("ok", "masks", detail)]


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


def _counted(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} of {name}" for name, count in counts.most_common())
