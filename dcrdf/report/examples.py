"""Which test images the report shows, and their pictures side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dcrdf.modalities import NOT_JUDGED
from dcrdf.report.context import TestImages
from dcrdf.report.figures import (
    Image,
    Scale,
    data_uri,
    fit,
    heat_map,
    height_picture,
    height_scale,
    outlined,
    threshold_scale,
    usual_value,
)
from dcrdf.report.runs import RunResult
from dcrdf.results.names import BRANCH_TITLES

TILE_PX = 256
HARDEST_MISSES = 3
WORST_FALSE_ALARMS = 2
NOT_JUDGED_SHOWN = 3


@dataclass(frozen=True)
class Tile:
    """One picture with its caption and what a listener is told."""

    caption: str
    alt: str
    uri: str


@dataclass(frozen=True)
class Strip:
    """One test image: what it is, what was said of it, and its pictures."""

    name: str
    defect: str
    is_defect: bool
    is_alarm: bool
    score: float
    not_judged: str
    """Why it is not judged; empty where it is."""
    tiles: list[Tile]

    @property
    def verdict(self) -> str:
        """How the threshold's decision compares with the truth, where there is one."""
        if self.not_judged:
            return NOT_JUDGED
        if self.is_defect:
            return "found" if self.is_alarm else "missed"
        return "false alarm" if self.is_alarm else "passed"


@dataclass(frozen=True)
class Choice:
    """Indices of the images to show; a typical one may be among the hardest."""

    typical: list[int]
    hardest: list[int]
    worst_good: list[int]
    not_judged: list[int]


def choose(result: RunResult, examples: int) -> Choice:
    """Typical images of every kind, the lowest-scored defects, the highest-scored good images.

    Typical images do not depend on scores, so all runs show the same ones.
    """
    scores, bad = result.scores["fused"], result.is_defect
    ranked = np.argsort(scores, kind="stable")
    hardest = [int(i) for i in ranked if bad[i]][:HARDEST_MISSES]
    worst_good = [int(i) for i in ranked[::-1] if not bad[i]][:WORST_FALSE_ALARMS]
    not_judged = np.flatnonzero(~result.is_judged).tolist()[:NOT_JUDGED_SHOWN]
    return Choice(typical_images(result.defect, examples), hardest, worst_good, not_judged)


def typical_images(defect: Sequence[str], examples: int) -> list[int]:
    """Indices of `examples` images, from every kind in turn, the middle of its list first."""
    kinds = sorted(set(defect), key=lambda kind: (kind == "good", kind))
    queues = []
    for kind in kinds:
        members = [i for i, name in enumerate(defect) if name == kind]
        middle = len(members) // 2
        queues.append(members[middle:] + members[:middle][::-1])
    rounds = range(max(map(len, queues), default=0))
    in_turn = [queue[turn] for turn in rounds for queue in queues if turn < len(queue)]
    return in_turn[:examples]


@dataclass
class CategoryPictures:
    """The pictures of one category that all runs share, each encoded once."""

    images: TestImages
    heights: Scale = field(init=False)
    _shared: dict[int, list[Tile]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.heights = height_scale(self.images.depth)

    def shared_tiles(self, at: int) -> list[Tile]:
        """Colour, height and the true outline of image `at`."""
        if at not in self._shared:
            rgb, mask = self.images.rgb[at], self.images.gt[at]
            name = self.images.name[at]
            truth = "the true defect outlined" if mask.any() else "no defect to outline"
            height = height_picture(self.images.depth[at], self.heights)
            self._shared[at] = [
                _tile("colour", f"{name}: colour image", rgb),
                _tile("height", f"{name}: height, brighter is higher", height),
                _tile("truth", f"{name}: colour image, {truth}", rgb, mask),
            ]
        return self._shared[at]


class RunPictures:
    """The heat maps of one run on one category, one colour scale per branch."""

    def __init__(self, result: RunResult, pictures: CategoryPictures) -> None:
        self._result = result
        self._pictures = pictures
        branches = [branch for branch in BRANCH_TITLES if branch in result.scores]
        self._maps: dict[str, NDArray[np.float16]] = {b: result.maps(b) for b in branches}
        self.scales = {
            branch: threshold_scale(usual_value(maps, ~result.is_defect), result.limit(branch))
            for branch, maps in self._maps.items()
        }

    def strips(self, indices: Sequence[int]) -> list[Strip]:
        """The images at `indices` with all their pictures."""
        return [self._strip(at) for at in indices]

    def _strip(self, at: int) -> Strip:
        result = self._result
        return Strip(
            result.name[at],
            result.defect[at],
            bool(result.is_defect[at]),
            bool(result.alarms[at]),
            float(result.scores["fused"][at]),
            result.not_judged[at],
            self._pictures.shared_tiles(at) + [self._heat_tile(b, at) for b in self._maps],
        )

    def _heat_tile(self, branch: str, at: int) -> Tile:
        picture = heat_map(self._maps[branch][at], self.scales[branch])
        peak = float(self._maps[branch][at].max())
        alt = f"{self._result.name[at]}: heat map of the {BRANCH_TITLES[branch]}, peak {peak:.3g}"
        return _tile(BRANCH_TITLES[branch], alt, picture, self._pictures.images.gt[at])


def _tile(caption: str, alt: str, picture: Image, outline: NDArray[np.bool_] | None = None) -> Tile:
    fitted = fit(picture, TILE_PX)
    return Tile(caption, alt, data_uri(fitted if outline is None else outlined(fitted, outline)))
