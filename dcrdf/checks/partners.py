"""How well a colour image agrees with a surface, and with which surface it would agree better.

Two witnesses, both as small pictures: edges (of brightness and of height), which say where things
end, and silhouettes (what differs in colour from the border, and what stands high), which say where
things are. An agreement is the sum of both correlations: 2 at best, 0 for strangers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

SIDE_PX = 48
MIN_GAIN = 0.06
"""An agreement must be better by this much to speak for another partner."""
MIN_AGREEMENT = 0.15
MIN_WINS = 0.8
"""Of the scans that must agree better with another partner."""
SURE_SIGMAS = 4.0
FEWEST_SCANS = 5
RING_SHARE = 0.06
MAD_TO_SIGMA = 1.4826
_SURROUND_SIGMA_PX = 6.0
_MAX_SLOPE_MM_PER_PX = 5.0

TURNED: Mapping[str, Callable[[Image], Image]] = {
    "mirrored": lambda image: image[..., ::-1],
    "upside down": lambda image: image[..., ::-1, :],
    "turned by 180 degrees": lambda image: image[..., ::-1, ::-1],
    "turned by 90 degrees": lambda image: np.rot90(image, 1, (-2, -1)),
    "turned by 270 degrees": lambda image: np.rot90(image, 3, (-2, -1)),
    "with rows and columns swapped": lambda image: image.swapaxes(-2, -1),
}
NEXT, PREVIOUS = "that of the next scan", "that of the previous scan"


@dataclass(frozen=True)
class Pair:
    """A scan's two pictures of edges and silhouettes, each float16 (2, `SIDE_PX`, `SIDE_PX`)."""

    colour: NDArray[np.float16]
    surface: NDArray[np.float16]


@dataclass(frozen=True)
class Rival:
    """Another partner: how much better (or worse) each scan agrees with it than with its own; NaN
    where a scan has no such partner. `agreement` is the median with it, `scatter` the robust
    deviation of the agreements with their own."""

    name: str
    gains: NDArray[np.float64]
    agreement: float
    scatter: float

    @property
    def typical_gain(self) -> float:
        """The median."""
        return float(np.nanmedian(self.gains))

    @property
    def wins(self) -> tuple[int, int]:
        """In how many scans of how many it agrees better."""
        known = self.gains[~np.isnan(self.gains)]
        return int(np.count_nonzero(known > 0.0)), len(known)

    @property
    def is_better(self) -> bool:
        """Whether nearly all scans agree clearly better with it."""
        won, of = self.wins
        is_clear = self.typical_gain >= MIN_GAIN and self.agreement >= MIN_AGREEMENT
        return is_clear and of >= FEWEST_SCANS and won >= MIN_WINS * of

    @property
    def is_worse(self) -> bool:
        """Whether nearly all scans agree clearly better with their own partner."""
        won, of = self.wins
        return -self.typical_gain >= MIN_GAIN and of >= FEWEST_SCANS and won <= (1 - MIN_WINS) * of

    def odd_ones(self) -> list[int]:
        """Scans that agree better with it, half as clearly as others agree with their own, and
        by more than agreements scatter."""
        if not self.is_worse:
            return []
        least = max(MIN_GAIN, SURE_SIGMAS * self.scatter, -self.typical_gain / 2.0)
        return [int(i) for i in np.flatnonzero(self.gains > least)]


def pair_of(rgb: NDArray[np.uint8], surface_m: Image) -> Pair:
    """The pictures of a scan: rgb (S, S, 3) and its surface (S, S) in metres, hole-free."""
    brightness = _edges(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32))
    brightness = np.minimum(brightness, np.percentile(brightness, 99.0))
    slope = np.minimum(_edges(surface_m * np.float32(1000.0)), _MAX_SLOPE_MM_PER_PX)
    height = np.clip(surface_m, *np.percentile(surface_m, [5.0, 95.0]))
    return Pair(
        np.stack([_detail(brightness), _unit(_small(_unlike_border(rgb)))]).astype(np.float16),
        np.stack([_detail(slope), _unit(_small(height))]).astype(np.float16),
    )


def agreement(colour: NDArray[np.float16], surface: NDArray[np.float16]) -> float:
    """The sum of the two correlations."""
    return float((colour.astype(np.float32) * surface).sum())


def rivals(pairs: Sequence[Pair], groups: Sequence[object]) -> list[Rival]:
    """All other partners. Next and previous are those of the same group (a folder), in order."""
    own = np.array([agreement(pair.colour, pair.surface) for pair in pairs])
    found = {
        name: [agreement(pair.colour, turn(pair.surface)) for pair in pairs]  # type: ignore[arg-type]
        for name, turn in TURNED.items()
    }
    for name, step in ((NEXT, 1), (PREVIOUS, -1)):
        found[name] = [
            agreement(pair.colour, pairs[i + step].surface)
            if 0 <= i + step < len(pairs) and groups[i + step] == groups[i]
            else np.nan
            for i, pair in enumerate(pairs)
        ]
    usable = {name: np.array(values) for name, values in found.items() if np.isfinite(values).any()}
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(own - np.median(own))))
    return [
        Rival(name, values - own, float(np.nanmedian(values)), scatter)
        for name, values in usable.items()
    ]


def _unlike_border(rgb: NDArray[np.uint8]) -> Image:
    """How unlike the border's usual colour each pixel is, in its robust deviations."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    ring = np.ones(lab.shape[:2], np.bool_)
    width_px = max(2, round(RING_SHARE * min(ring.shape)))
    ring[width_px:-width_px, width_px:-width_px] = False
    usual = np.median(lab[ring], axis=0)
    spread = MAD_TO_SIGMA * np.median(np.abs(lab[ring] - usual), axis=0) + 2.0
    unlike = np.sqrt(np.square((lab - usual) / spread).sum(axis=2))
    return np.minimum(unlike, np.percentile(unlike, 95.0)).astype(np.float32)


def _edges(image: Image) -> Image:
    smooth = cv2.GaussianBlur(image, (0, 0), 1.0)
    right, down = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(right, down), np.float32)


def _small(image: Image) -> Image:
    small = cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _detail(image: Image) -> Image:
    small = _small(image)
    return _unit(small - cv2.GaussianBlur(small, (0, 0), _SURROUND_SIGMA_PX))


def _unit(image: Image) -> Image:
    """Without its mean and of length one; all zero where there is nothing."""
    centred = image - image.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-6 else np.zeros_like(centred)
