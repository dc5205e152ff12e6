"""A linear one-class SVM over two maps: which weighted sum of them good parts make the least.

Schoelkopf et al., Neural Computation 13, 2001; as a fusion in M3DM and CMDIAD, whose scores are
+w.x although such an SVM calls a large w.x normal, and in Xu et al., Sensors 2025, section 3.4.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.detectors.maps import Maps
from dcrdf.modalities import DEPTH, MODALITIES, RGB
from dcrdf.scoring.branch_statistics import TINY

NU = 0.5
"""Share of good values on the wrong side of the margin, as in CMDIAD; the paper does not tell."""
GAP = 1e-10
"""Relative duality gap from which on w is exact enough."""
MOST_STEPS = 10_000
PIXELS = 4096
"""Pixels of a good image that count, at most, evenly spread over the part."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """What colour's and geometry's maps are multiplied by before they are added: in maps (SVM of
    pixels), and in maxima of an image (SVM of images)."""

    rgb: float
    depth: float
    image_rgb: float
    image_depth: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; TypeError or ValueError for other values."""
        weights = cls(**{name: float(x) for name, x in values.items()})
        if not np.isfinite(list(weights.to_dict().values())).all():
            raise ValueError("weights are not finite")
        return weights

    def in_units_of(self, other: "Weights") -> "Weights":
        """The same ratios, as large as the other's in the geometric mean."""
        pixels = _unit(other.rgb * other.depth, self.rgb * self.depth)
        images = _unit(other.image_rgb * other.image_depth, self.image_rgb * self.image_depth)
        return Weights(
            self.rgb * pixels,
            self.depth * pixels,
            self.image_rgb * images,
            self.image_depth * images,
        )


@dataclass(frozen=True)
class GoodPairs:
    """Of N good images: pairs of the maps' values at pixels of the part (n, 2) each, and of their
    maxima (N, 2)."""

    pixels: list[Values]
    maxima: Values

    @classmethod
    def of(cls, maps: Maps, part: NDArray[np.bool_], inside: NDArray[np.bool_]) -> Self:
        """From unblurred maps, where the part is and where the image is (N, H, W)."""
        asked = maps.asked()
        values = np.stack([_array(asked[name]) for name in MODALITIES], axis=-1)
        pixels = []
        for one, on_part, within in zip(values, part, inside, strict=True):
            here = one[on_part & within] if (on_part & within).any() else one[within]
            spread = np.linspace(0, len(here) - 1, min(PIXELS, len(here))).round().astype(np.intp)
            pixels.append(here[spread])
        maxima = [one[within].max(axis=0) for one, within in zip(values, inside, strict=True)]
        return cls(pixels, np.stack(maxima))

    def weights(self, rows: NDArray[np.intp]) -> Weights:
        """The SVMs of the images `rows`, each modality measured by its mean value: gamma and delta
        of the paper, which "balance average anomaly scores"."""
        pixels = balanced_weights(np.concatenate([self.pixels[row] for row in rows]))
        images = balanced_weights(self.maxima[rows])
        return Weights(float(pixels[0]), float(pixels[1]), float(images[0]), float(images[1]))


def weighed(maps: Mapping[str, Tensor], weights: Weights) -> Tensor:
    """The weighted sum of both maps (B, H, W)."""
    return weights.rgb * maps[RGB] + weights.depth * maps[DEPTH]


def balanced_weights(values: Values) -> Values:
    """w of values (n, 2) in units of their means, times these units: (2,)."""
    factors = 1.0 / np.maximum(values.mean(axis=0), TINY)
    found: Values = one_class_weights(values * factors) * factors
    return found


def one_class_weights(values: Values, nu: float = NU) -> Values:
    """The w (2,) that with some rho minimises |w|^2 / 2 - rho + mean(max(0, rho - w.x)) / nu, for
    values (n, 2) of which none is negative.

    w is the point nearest to the origin among the means of nu shares of the values. Each step joins
    the mean of the share that is smallest along w to the two that w lies between (Wolfe, 1976).
    """
    active = [_smallest_share(values, np.ones(2), nu)]
    w = active[0]
    for _ in range(MOST_STEPS):
        newest = _smallest_share(values, w, nu)
        if w @ (w - newest) <= GAP * (w @ w):
            return w
        ends = [(one, newest) for one in active] + [tuple(active)] * (len(active) == 2)
        nearest = [(_nearest_to_origin(a, b), (a, b)) for a, b in ends]
        w, (a, b) = min(nearest, key=lambda found: float(found[0] @ found[0]))
        active = [a, b]
    return w


def _smallest_share(values: Values, w: Values, nu: float) -> Values:
    """The mean of the nu share of values with the smallest w.x; a part of a value where the share
    is no whole number."""
    size = nu * len(values)
    whole = min(int(size), len(values) - 1)
    order = np.argpartition(values @ w, whole)
    total = values[order[:whole]].sum(axis=0) + (size - whole) * values[order[whole]]
    mean: Values = total / size
    return mean


def _nearest_to_origin(a: Values, b: Values) -> Values:
    """Of the points between a and b."""
    along = b - a
    length = along @ along
    share = 0.0 if length == 0.0 else float(np.clip(-(a @ along) / length, 0.0, 1.0))
    point: Values = a + share * along
    return point


def _unit(wanted: float, given: float) -> float:
    return float(np.sqrt(wanted / given)) if wanted > 0.0 and given > 0.0 else 1.0


def _array(x: Tensor) -> Values:
    values: Values = x.double().cpu().numpy()
    return values
