"""Pictures for the report: thumbnails, shaded heights, heat maps and outlines as data URIs."""

import base64
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""

HEAT_COLOURS = cv2.COLORMAP_INFERNO
OUTLINE_RGB = (0, 229, 255)
HALO_RGB = (0, 0, 0)
_WEBP_QUALITY = 80
_SHADING_GAIN = 0.22
_LEAST_STEEP_SLOPE = 0.02
"""In units of the Sobel filter; what is flatter stays softly lit, so noise is not blown up."""


class Scale(NamedTuple):
    """The range of values that a colour or grey scale spans."""

    low: float
    high: float

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """`values` as 0 to 1 within the range, clipped."""
        span = max(self.high - self.low, 1e-12)
        shares = (np.asarray(values, dtype=np.float32) - self.low) / span
        return np.clip(shares, 0.0, 1.0).astype(np.float32)


def threshold_scale(usual: float, threshold: float) -> Scale:
    """One scale for all maps: dark is what is usual on good parts, its middle the threshold."""
    return Scale(usual, max(2.0 * threshold - usual, usual + 1e-6))


def usual_value(maps: NDArray[np.floating], is_good: NDArray[np.bool_]) -> float:
    """The median of maps (N, H, W) over the good images (over all where there are none)."""
    normal = maps[is_good] if is_good.any() else maps
    return float(np.median(normal.astype(np.float32)))


def heat_map(values: NDArray[np.floating], scale: Scale) -> Image:
    """An anomaly map (H, W) in the fixed colours: `scale.low` black, `scale.high` pale yellow."""
    grey = np.rint(255.0 * scale.apply(values)).astype(np.uint8)
    coloured = cv2.applyColorMap(grey, HEAT_COLOURS)
    return np.ascontiguousarray(coloured[..., ::-1])


def height_scale(depth: NDArray[np.floating]) -> Scale:
    """One grey scale for all height maps of a category, robust against single extremes."""
    low, high = np.quantile(depth.astype(np.float32), (0.005, 0.995))
    return Scale(float(low), float(max(high, low + 1e-6)))


def height_picture(depth: NDArray[np.floating], scale: Scale) -> Image:
    """A normalised height map (H, W): higher is brighter, lit from the upper left.

    The light makes shallow dents visible that would drown in the height range of the part.
    """
    height = scale.apply(depth)
    form = cv2.GaussianBlur(height, (0, 0), max(height.shape) / 16.0)
    detail = cv2.GaussianBlur(height, (0, 0), 0.8) - form
    slope = cv2.Sobel(detail, cv2.CV_32F, 1, 0) + cv2.Sobel(detail, cv2.CV_32F, 0, 1)
    steep = max(float(np.quantile(np.abs(slope), 0.95)), _LEAST_STEEP_SLOPE)
    grey = np.clip(0.2 + 0.55 * height + _SHADING_GAIN * np.tanh(slope / steep), 0.0, 1.0)
    return np.repeat(np.rint(255.0 * grey).astype(np.uint8)[..., None], 3, axis=2)


def outlined(picture: Image, mask: NDArray[np.bool_]) -> Image:
    """`picture` with a light line with a dark halo drawn closely around `mask`.

    Around, so that it hides nothing of a thin defect. The mask may be larger than the picture: the
    line is drawn at the picture's size.
    """
    drawn = np.ascontiguousarray(picture.copy())
    size = (picture.shape[1], picture.shape[0])
    fitted = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    around = cv2.dilate(fitted, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    contours, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, HALO_RGB, 4, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, OUTLINE_RGB, 2, cv2.LINE_8)
    drawn[fitted > 0] = picture[fitted > 0]
    return drawn


def fit(picture: Image, side_px: int) -> Image:
    """`picture` made smaller so that its longer side has at most `side_px` pixels."""
    height, width = picture.shape[:2]
    share = side_px / max(height, width)
    if share >= 1.0:
        return picture
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def data_uri(picture: Image) -> str:
    """`picture` as a WebP data URI."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    _, encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def colour_bar_stops(count: int = 9) -> list[str]:
    """CSS colours of the heat scale from low to high."""
    grey = np.linspace(0, 255, count).astype(np.uint8)[None]
    bgr = cv2.applyColorMap(grey, HEAT_COLOURS)[0]
    return [f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in bgr.tolist()]
