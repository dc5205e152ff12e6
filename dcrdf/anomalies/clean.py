"""What the variants of one training sample share: computed once, used for each of them."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, FloatImage, Mask
from dcrdf.anomalies.edges import edge_weight, signed_distance_px, spatial_mask
from dcrdf.anomalies.guided import Guide
from dcrdf.anomalies.texture_weight import texture_weight
from dcrdf.config.options import PseudoOptions
from dcrdf.errors import UserError

WEIGHT_REACH_PX = 4
"""The texture weight looks 3 px around a pixel, the closing 2."""


@dataclass(frozen=True)
class CleanSample:
    """A clean sample with everything the anomaly formulas need besides the random field.

    The weights cover `window` only: the part's bounding box and a margin that holds the band
    outside the part and whatever the guided filter and the closing reach.
    """

    rgb: ColourImage
    depth: FloatImage
    window: tuple[slice, slice]
    spatial: FloatImage
    """M_s."""
    texture: FloatImage
    """T_hat."""
    weight: FloatImage
    """w_edge * T_hat, which ranks the pixels."""
    strength: FloatImage
    """S_f without M: the weight, or one everywhere."""
    inside: NDArray[np.intp]
    """Flat window indices where M_s > 0.5."""
    solid: bool
    """Whether M_s is one everywhere: a part without an edge."""
    part_px: int
    box: tuple[int, int, int, int]
    """Top, left, height and width of M_s in the window."""
    colour_mean: NDArray[np.float32]
    colour_deviation: NDArray[np.float32]
    """Per channel over M_f, each (3, 1)."""
    guide: Guide

    @classmethod
    def of(
        cls,
        rgb: ColourImage,
        depth: FloatImage,
        foreground: Mask,
        options: PseudoOptions,
        *,
        bounded: bool = True,
    ) -> Self:
        """Weigh a sample: rgb (S, S, 3), depth float32 D_n (S, S), foreground bool (S, S).

        `bounded` is false where the part fills the frame (`field` mode).

        Raises:
            UserError: the foreground is empty.
        """
        if not foreground.any():
            raise UserError("foreground: no pixel of the part; prepare the sample anew")
        band_px = options.edge_band_share * len(rgb)
        margin_px = max(int(np.ceil(band_px)), 2 * options.guide_radius_px) + WEIGHT_REACH_PX
        window = _bounding_window(foreground, margin_px)
        colours = np.ascontiguousarray(rgb[window])
        part = np.ascontiguousarray(foreground[window])
        guide = np.ascontiguousarray(depth[window])

        distance_px = signed_distance_px(part, bounded)
        edge = edge_weight(distance_px, options.edge_tau, options.edge)
        spatial = spatial_mask(distance_px, edge, options.edge_alpha, band_px)
        texture = texture_weight(colours, part)
        weight = edge * texture
        mean, deviation = cv2.meanStdDev(colours, mask=part.view(np.uint8))
        left, top, width, height = cv2.boundingRect((spatial > 0.0).view(np.uint8))
        return cls(
            rgb=rgb,
            depth=depth,
            window=window,
            spatial=spatial,
            texture=texture,
            weight=weight,
            strength=weight if options.strength == "weighted" else np.ones_like(weight),
            inside=np.flatnonzero(spatial > 0.5),
            solid=bool(spatial.min() == 1.0),
            part_px=int(np.count_nonzero(part)),
            box=(top, left, height, width),
            colour_mean=mean.astype(np.float32),
            colour_deviation=deviation.astype(np.float32),
            guide=Guide.of(guide, options.guide_radius_px, options.guide_eps),
        )


def _bounding_window(mask: Mask, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box and a margin, inside the image."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    rows = slice(max(top - margin_px, 0), min(top + height + margin_px, mask.shape[0]))
    columns = slice(max(left - margin_px, 0), min(left + width + margin_px, mask.shape[1]))
    return rows, columns
