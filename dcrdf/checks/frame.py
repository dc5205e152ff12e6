"""Whether points are in their camera's frame."""

from collections.abc import Sequence

from dcrdf.checks.facts import SampleFacts
from dcrdf.checks.finding import Finding, shortened
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.errors import UserError
from dcrdf.preparation.above_plane import OTHER_FRAME
from dcrdf.preparation.category_frame import category_frame, frame_warning


def frame_rule(
    seen: Sequence[SampleFacts], options: PrepareOptions, category: str
) -> tuple[Frame, list[Finding]]:
    """The category's frame, decided as `prepare` does, and what is odd about it."""
    train = [facts.scan for facts in seen if facts.sample.split == "train"]
    try:
        frame = category_frame(train, options, category)
    except UserError as error:
        return "camera", [Finding("error", "frame", str(error))]
    findings = [
        Finding("error", "frame", OTHER_FRAME[frame], facts.points_file)
        for facts in seen
        if facts.scan.contradicts(frame)
    ]
    warning = frame_warning(train, frame)
    findings += [Finding("warning", "frame", warning)] * bool(warning)
    turned = sum(facts.scan.turned for facts in seen)
    if turned:
        mixed = f"; in {turned} of {len(seen)} scans only: one camera?" * (turned < len(seen))
        detail = "z is negative, as OpenGL's cameras have it: y and z are turned" + mixed
        findings.append(Finding("warning" if mixed else "ok", "frame", detail))
    sure = sum(facts.scan.frame is not None for facts in seen)
    if findings or not sure:
        return frame, shortened(findings)
    return frame, [Finding("ok", "frame", f"the camera's, in {sure} of {len(seen)} scans for sure")]
