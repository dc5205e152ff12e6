"""Pseudo-anomalies in colour and depth (paper eq. 6-7): one seed drives both modalities."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, FloatImage, Mask, rows_and_columns
from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.draw import Draw, Modality
from dcrdf.anomalies.masks import blob_mask, literal_mask
from dcrdf.anomalies.perlin import Lattice, perlin_field
from dcrdf.anomalies.placing import channels_first, channels_last, matched_texture
from dcrdf.anomalies.textures import texture_set
from dcrdf.config.options import PseudoOptions
from dcrdf.preparation.normalise import CLIP

DEPTH_OFFSET = np.float32(0.5)
"""Added to D_n before the relative change of eq. 7, so that flat regions at zero change too."""


@dataclass(frozen=True)
class Variant:
    """A perturbed sample and where it was perturbed."""

    rgb: ColourImage
    depth: FloatImage
    """D_n scale (S, S); differs from the clean depth inside `mask` only."""
    mask: Mask
    """The target, M > 0.5."""
    soft: FloatImage
    """M itself, which blends the colours; zero where the colour is untouched."""
    modality: Modality


@dataclass(frozen=True)
class Changes:
    """A variant as its difference from the clean sample: the k pixels with M > 0 and their values.

    Depth is changed where M > 0.5 alone: in the faint band outside the part eq. 7, square in M,
    does less than a tenth of its work, and the target must say exactly where depth differs.
    """

    at: NDArray[np.intp]
    """Flat image indices."""
    soft: NDArray[np.float32]
    """M."""
    rgb: NDArray[np.uint8]
    """(k, 3)."""
    depth: NDArray[np.float32]
    modality: Modality

    def apply_to(self, rgb: ColourImage, depth: NDArray[np.floating], mask: Mask) -> None:
        """Turn copies of the clean colour and depth and an empty mask into the variant's."""
        marked = self.soft > 0.5
        rgb.reshape(-1, 3)[self.at] = self.rgb
        depth.reshape(-1)[self.at[marked]] = self.depth[marked]
        mask.reshape(-1)[self.at[marked]] = True


@dataclass(frozen=True)
class Anomaly:
    """One variant's random field P~ and soft mask M, in the sample's window."""

    field: FloatImage
    soft: FloatImage

    @classmethod
    def of(
        cls, clean: CleanSample, options: PseudoOptions, draw: Draw, rng: np.random.Generator
    ) -> Self:
        """Draw the field and the mask that it makes."""
        lattices = _lattices(options, rng)
        weights, kappa = options.perlin_weights, options.perlin_kappa
        whole = perlin_field(len(clean.rgb), lattices, weights, kappa, rng)
        field = np.ascontiguousarray(whole[clean.window])
        if options.mask == "literal":
            return cls(field, literal_mask(clean, field, draw.quantile, options.mask_share))
        return cls(field, blob_mask(clean, field, draw.quantile, options.mask_share, rng))


def make_variant(
    rgb: ColourImage,
    depth: FloatImage,
    foreground: Mask,
    options: PseudoOptions,
    seed: int,
    *,
    bounded: bool = True,
) -> Variant:
    """One pseudo-anomaly: rgb (S, S, 3), depth float32 D_n (S, S), foreground bool (S, S).

    Equal arguments give equal bits. Making several variants of a sample is faster through
    `CleanSample.of` and `vary`. `bounded` is false where the part fills the frame.

    Raises:
        UserError: the foreground is empty, or the textures cannot be read.
    """
    clean = CleanSample.of(rgb, depth, foreground, options, bounded=bounded)
    changes = vary(clean, options, seed)
    changed_rgb, changed_depth = rgb.copy(), depth.copy()
    mask = np.zeros(depth.shape, dtype=np.bool_)
    changes.apply_to(changed_rgb, changed_depth, mask)
    soft = np.zeros(depth.shape, dtype=np.float32)
    soft.reshape(-1)[changes.at] = changes.soft
    return Variant(changed_rgb, changed_depth, mask, soft, changes.modality)


def vary(clean: CleanSample, options: PseudoOptions, seed: int) -> Changes:
    """One pseudo-anomaly of a weighed sample (see `make_variant`)."""
    rng = np.random.default_rng(seed)
    draw = Draw.of(options, rng)
    anomaly = Anomaly.of(clean, options, draw, rng)
    at = np.flatnonzero(anomaly.soft > 0.0)
    at_image = _image_index(clean, at)
    rgb = clean.rgb.reshape(-1, 3).take(at_image, axis=0)
    depth = clean.depth.reshape(-1).take(at_image)
    if draw.modality != "depth":
        textures = texture_set(options.textures, options.seed)
        texture = textures[int(draw.texture * len(textures))]
        rgb = _changed_colour(rgb, at, clean, anomaly, draw, texture)
    if draw.modality != "colour":
        depth = _changed_depth(depth, at, clean, anomaly, draw)
    return Changes(at_image, anomaly.soft.ravel().take(at), rgb, depth, draw.modality)


def _lattices(options: PseudoOptions, rng: np.random.Generator) -> tuple[Lattice, ...]:
    """The paper's square lattices; for blobs coarse ones, stretched at random, octave by octave."""
    if options.mask == "literal":
        return tuple((cells, cells) for cells in options.perlin_grids)
    rows, columns = (int(cells) for cells in rng.integers(*options.blob_cells, 2, endpoint=True))
    octaves = range(len(options.perlin_weights))
    return tuple((rows * 2**octave, columns * 2**octave) for octave in octaves)


def _changed_colour(
    rgb: NDArray[np.uint8],
    at: NDArray[np.intp],
    clean: CleanSample,
    anomaly: Anomaly,
    draw: Draw,
    texture: ColourImage,
) -> NDArray[np.uint8]:
    """R_a = (1-M) R + M [(1-rho) clip(R (1 + beta_p S_f P~)) + rho N_hat] (eq. 6).

    Of the colours (k, 3) at flat window indices.
    """
    blend = anomaly.soft.ravel().take(at)
    share = clean.texture.ravel().take(at)
    share -= 0.5
    share *= 0.3
    share += draw.texture_share
    np.clip(share, 0.0, 1.0, out=share)
    gain = draw.colour_strength * blend
    gain *= clean.strength.ravel().take(at)
    gain *= anomaly.field.ravel().take(at)
    gain += 1.0
    original = channels_first(rgb)
    changed = original * gain
    np.clip(changed, 0.0, 255.0, out=changed)
    changed *= 1.0 - share
    textured = matched_texture(at, clean, draw, texture)
    textured *= share
    changed += textured
    changed -= original
    changed *= blend
    changed += original
    return channels_last(changed)


def _changed_depth(
    depth: NDArray[np.float32],
    at: NDArray[np.intp],
    clean: CleanSample,
    anomaly: Anomaly,
    draw: Draw,
) -> NDArray[np.float32]:
    """D_a = (1-M) D + M D (1 + beta_d S_f P~_d) with D = D_n + 0.5 (eq. 7).

    Of the values (k,) at flat window indices; clipped as the preparation clips, since no scan can
    show a model more.
    """
    blend = anomaly.soft.ravel().take(at)
    gain = draw.depth_strength * blend
    gain *= clean.strength.ravel().take(at)
    gain *= clean.guide.filter_at(anomaly.field, at)
    gain *= blend
    gain *= depth + DEPTH_OFFSET
    gain += depth
    return np.clip(gain, *CLIP, out=gain)


def _image_index(clean: CleanSample, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat image indices of flat window indices."""
    if clean.spatial.shape == clean.depth.shape:
        return at
    rows, columns = rows_and_columns(at, clean.spatial.shape[1])
    return (rows + clean.window[0].start) * len(clean.rgb) + columns + clean.window[1].start
