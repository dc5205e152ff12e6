"""The summary and the honest notes, in words for the person who runs the inspection line."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from dcrdf.metrics.threshold import images_needed
from dcrdf.report.counting import CONFIDENCE, Proportion, smallest_certifiable_rate
from dcrdf.report.runs import RunResult
from dcrdf.report.standings import Standing

FEW_GOOD_IMAGES = 50


def share_text(proportion: Proportion) -> str:
    """`54 of 72 (75 %)`."""
    if not proportion.total:
        return "0 of 0"
    return f"{proportion.count} of {proportion.total} ({whole_percent(proportion.share)} %)"


def interval_text(proportion: Proportion) -> str:
    """`63 to 84 %`, the interval of the true share."""
    low, high = proportion.interval
    return f"{whole_percent(low)} to {whole_percent(high)} %"


def _between(proportion: Proportion) -> str:
    return interval_text(proportion).replace(" to ", " and ")


def whole_percent(share: float) -> str:
    """A share as percent; one decimal below ten so that small rates stay visible."""
    percent = 100.0 * share
    return f"{percent:.1f}".removesuffix(".0") if percent < 9.95 else f"{percent:.0f}"


def headline(standings: Sequence[Standing]) -> str:
    """The one sentence to read."""
    best = standings[0]
    found, rejected = best.first.found, best.first.false_alarms
    others = f", the best of {len(standings)} runs," if len(standings) > 1 else ""
    return (
        f"Run “{best.run}”{others} finds {share_text(found)} defective test images"
        f" and wrongly rejects {share_text(rejected)} good ones."
    )


def details(standings: Sequence[Standing], results: Sequence[RunResult]) -> list[str]:
    """What stands behind the headline: ranking, uncertainty, threshold, seeds."""
    best = standings[0]
    said = [_ranking(standings), _uncertainty(best), _threshold(best, results)]
    said.append(_not_judged(best, results))
    if len(best.counts) > 1:
        said.append(_over_seeds(best))
    return [text for text in said if text]


def honest_notes(
    standings: Sequence[Standing], results: Sequence[RunResult], rows: pd.DataFrame
) -> list[str]:
    """What the numbers cannot carry, as far as it shows in them."""
    notes = [*_few_images(results), *_choice_and_seeds(standings, results)]
    undefined = int(rows["value"].isna().sum())
    if undefined:
        notes.append(
            f"{undefined} values are undefined (for instance a ranking without any good or any"
            " defective image). They are shown as “-”, and a mean without them carries a †."
        )
    if "mvtec100" in set(rows["mode"]):
        notes.append(
            "Values with 100 quantile thresholds exist for comparison with printed numbers only:"
            " they miss much of the area at tight limits and must not be set against exact ones."
        )
    return notes


def _ranking(standings: Sequence[Standing]) -> str:
    best = standings[0]
    if np.isnan(best.auroc):
        return ""
    text = (
        f"Image AUROC {100 * best.auroc:.1f} %: of a random defective and a random good image of"
        f" one category the defective one has the higher score {100 * best.auroc:.0f} times in 100."
    )
    if len(standings) > 1 and not np.isnan(standings[1].auroc):
        second = standings[1]
        gap = 100 * (best.auroc - second.auroc)
        text += f" Next comes “{second.run}”, {gap:.1f} points behind."
    return text


def _uncertainty(best: Standing) -> str:
    found, rejected = best.first.found, best.first.false_alarms
    parts = []
    if found.total:
        parts.append(f"the share of defects found lies between {_between(found)}")
    if rejected.total:
        parts.append(f"that of good parts rejected between {_between(rejected)}")
    if not parts:
        return ""
    return (
        f"With {100 * CONFIDENCE:.0f} % confidence, on parts like those tested,"
        f" {', and '.join(parts)}. This takes all categories together;"
        " the number of test images allows no tighter statement."
    )


def _threshold(best: Standing, results: Sequence[RunResult]) -> str:
    thresholds = [result.threshold for result in results if result.files.run == best.run]
    images = _range_text(threshold.validation_images for threshold in thresholds)
    aims = sorted({threshold.requested_rate for threshold in thresholds})
    worst = max(threshold.upper_rate for threshold in thresholds)
    aim = " or ".join(whole_percent(rate) for rate in aims)
    return (
        f"Each category's threshold was set for at most {aim} % false alarms on {images} good"
        f" validation images, never on test images; for all that so few images can vouch for, the"
        f" true false-alarm rate of a category may be as high as {whole_percent(worst)} %."
    )


def _not_judged(best: Standing, results: Sequence[RunResult]) -> str:
    judged = [result.is_judged for result in results if result.files.run == best.run]
    left_out = sum(int((~one).sum()) for one in judged)
    if not left_out:
        return ""
    return (
        f"{left_out} of {sum(map(len, judged))} test images are not judged: on them a sensor does"
        " not show the part as it does on good scans. They are neither found nor rejected;"
        " rankings and maps count them."
    )


def _over_seeds(best: Standing) -> str:
    found = _range_text(counts.found.count for counts in best.counts.values())
    rejected = _range_text(counts.false_alarms.count for counts in best.counts.values())
    return (
        f"Over {len(best.counts)} trainings with different seeds it finds {found} defects and"
        f" rejects {rejected} good images; the counts and pictures here are of the first."
    )


def _few_images(results: Iterable[RunResult]) -> list[str]:
    notes = []
    validation = {r.files.category: r.threshold.validation_images for r in results}
    if validation:
        fewest = min(validation.values())
        lowest = whole_percent(smallest_certifiable_rate(fewest))
        notes.append(
            f"A threshold that no one of {fewest} good validation images crosses certifies a"
            f" false-alarm rate of no less than {lowest} %"
            f" ({100 * CONFIDENCE:.0f} % confidence). To certify 1 % takes {images_needed(0.01)}."
        )
    good = {r.files.category: int((~r.is_defect).sum()) for r in results}
    few = {category: images for category, images in good.items() if images < FEW_GOOD_IMAGES}
    if few:
        listed = ", ".join(f"{category} {images}" for category, images in sorted(few.items()))
        notes.append(
            f"Few good test images ({listed}): a single one moves a category's false-alarm rate by"
            f" {whole_percent(1 / max(1, min(few.values())))} points or less, and image AUROC is"
            " uncertain by several points. Judge runs by differences on the same images."
        )
    return notes


def _choice_and_seeds(standings: Sequence[Standing], results: Iterable[RunResult]) -> list[str]:
    notes = []
    if len(standings) > 1:
        notes.append(
            "“Best run” means best on these very test images. Choosing by it and then quoting its"
            " score flatters it a little; confirm the choice on images that had no part in it."
        )
    if len({result.files.seed for result in results}) == 1:
        notes.append(
            "Every run was trained once. Another seed gives other numbers; train with at least"
            " three before a difference between runs is believed."
        )
    return notes


def _range_text(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    low, high = ordered[0], ordered[-1]
    return str(low) if low == high else f"{low} to {high}"
