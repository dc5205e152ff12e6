"""Whose frame a category's points are in: decided once, on its training scans."""

from collections.abc import Sequence

import numpy as np

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.errors import UserError
from dcrdf.preparation.measured import ScanFacts

ASK = "say whose: prepare.frame: camera, right_handed or left_handed"


def category_frame(facts: Sequence[ScanFacts], options: PrepareOptions, category: str) -> Frame:
    """The frame that most training scans speak for, or what the options say.

    Elsewhere than in a camera's frame the coordinates are taken as right-handed, as a world's and
    a robot's are; also where no scan speaks against the camera's, but most lack its rays: the sign
    is the same then, and stays so for scans that come later. A height map's may have either hand,
    and a part that stands out on the other side speaks against it: where the two do not agree,
    nothing is decided.

    Raises:
        UserError: nothing decides, or the options need the camera's frame.
    """
    found = options.frame
    if found == "auto":
        seen = [scan for scan in facts if scan.frame is not None]
        odd = [scan for scan in seen if scan.contradicts("camera")]
        has_no_rays = 2 * sum(_lacks_rays(scan) for scan in seen) > len(seen)
        if 2 * len(odd) > len(seen) or (odd and has_no_rays):
            found = _elsewhere(odd, options, category)
        else:
            sees_distances = options.needs_camera_frame
            found = "right_handed" if has_no_rays and not sees_distances else "camera"
    if found != "camera" and options.needs_camera_frame:
        raise UserError(
            f"{category}: the points are not in a camera's frame; depth: z, plane: four_corners and"
            " surface: normals of prepare need that"
        )
    return found


def _lacks_rays(scan: ScanFacts) -> bool:
    """Whether a scan's rays are known not to be those of a camera at the origin."""
    return scan.frame is not None and scan.frame.seen != "camera"


def _elsewhere(odd: Sequence[ScanFacts], options: PrepareOptions, category: str) -> Frame:
    """The hand of coordinates that are none of a camera's."""
    hands: tuple[Frame, Frame] = ("right_handed", "left_handed")
    with_part = [hand for hand in hands if _has_part(odd, hand, options)]
    frames = [scan.frame for scan in odd if scan.frame is not None]
    is_grid = 2 * sum(frame.seen == "grid" for frame in frames) > len(frames)
    is_up = 2 * sum(frame.up_right_handed for frame in frames) > len(frames)
    likely: list[Frame] = ["left_handed"] * (is_grid and not is_up)
    likely.append("right_handed")
    agreed = [hand for hand in likely if hand in with_part] if len(with_part) == 1 else likely
    if len(agreed) != 1:
        raise UserError(
            f"{category}: the points are not in a camera's frame, and nothing tells which side of"
            f" the background the camera is on; {ASK}"
        )
    return agreed[0]


def _has_part(odd: Sequence[ScanFacts], hand: Frame, options: PrepareOptions) -> bool:
    """Whether something of a part's size stands out on the side that coordinates of a hand say."""
    shares = [
        scan.part_share
        if scan.frame is not None and scan.frame.is_right_handed == (hand == "right_handed")
        else scan.below_share
        for scan in odd
        if scan.plane_accepted
    ]
    share = float(np.median(shares)) if shares else 0.0
    return options.part_min_share <= share <= options.part_max_share


def frame_warning(facts: Sequence[ScanFacts], frame: Frame) -> str:
    """What to tell of the points' frame; nothing where it is the camera's, as it should be."""
    seen = [scan for scan in facts if scan.frame is not None]
    if frame != "camera" and any(scan.contradicts("camera") for scan in seen):
        hand = frame.replace("_", "-")
        return (
            f"the points are not in a camera's frame; taken as {hand} coordinates, heights grow"
            f" towards the side that the image was taken from: look at a few, and {ASK} if pits"
            " look like bumps"
        )
    odd = [scan for scan in seen if _lacks_rays(scan)]
    if 2 * len(odd) > len(seen):
        return (
            f"the rays of {len(odd)} of {len(seen)} training scans are not straight from the"
            " origin: another frame than the camera's, or a lens that distorts; heights above the"
            " background do not depend on it, distances do"
        )
    return ""
