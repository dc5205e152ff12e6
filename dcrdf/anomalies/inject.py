"""Pseudo-anomalies in colour and depth (paper eq. 6-7): one seed drives both modalities."""

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, FloatImage, Mask
from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.masks import blob_mask, literal_mask
from dcrdf.anomalies.perlin import Lattice, perlin_field
from dcrdf.anomalies.textures import texture_set
from dcrdf.config.options import PseudoOptions

Modality: TypeAlias = Literal["joint", "colour", "depth"]
MODALITIES: tuple[Modality, ...] = ("joint", "colour", "depth")

DEPTH_OFFSET = np.float32(0.5)
"""Added to D_n before the relative change of eq. 7, so that flat regions at zero change too."""

PROBE_STEP = 16
MAP_COLUMNS = 256


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
class Draw:
    """The scalars of one variant."""

    modality: Modality
    quantile: float
    colour_strength: float
    """Signed beta_p."""
    depth_strength: float
    """Signed beta_d."""
    texture_share: float
    """rho_0."""
    texture: float
    """Which texture, as a share of the set."""
    turn_rad: float
    zoom: float

    @classmethod
    def of(cls, options: PseudoOptions, rng: np.random.Generator) -> Self:
        """Draw every scalar, needed or not, so that options do not shift later draws."""
        chosen = MODALITIES[int(rng.integers(len(MODALITIES)))]
        colour_sign, depth_sign = (float(sign) for sign in rng.integers(2, size=2) * 2 - 1)
        return cls(
            modality=chosen if options.variant == "modality" else "joint",
            quantile=rng.uniform(*options.quantile),
            colour_strength=colour_sign * rng.uniform(*options.colour_strength),
            depth_strength=depth_sign * rng.uniform(*options.depth_strength),
            texture_share=rng.uniform(*options.texture_share),
            texture=rng.random(),
            turn_rad=rng.uniform(0.0, 2.0 * np.pi),
            zoom=float(np.exp(rng.uniform(np.log(0.5), np.log(2.0)))),
        )


def make_variant(
    rgb: ColourImage,
    depth: FloatImage,
    foreground: Mask,
    options: PseudoOptions,
    seed: int,
    bounded: bool = True,
) -> Variant:
    """One pseudo-anomaly: rgb (S, S, 3), depth float32 D_n (S, S), foreground bool (S, S).

    Equal arguments give equal bits. Making several variants of a sample is faster through
    `CleanSample.of` and `vary`. `bounded` is false where the part fills the frame.

    Raises:
        UserError: the foreground is empty, or the textures cannot be read.
    """
    return vary(CleanSample.of(rgb, depth, foreground, options, bounded), options, seed)


def vary(clean: CleanSample, options: PseudoOptions, seed: int) -> Variant:
    """One pseudo-anomaly of a weighed sample (see `make_variant`)."""
    rng = np.random.default_rng(seed)
    draw = Draw.of(options, rng)
    field = perlin_field(
        len(clean.rgb), _lattices(options, rng), options.perlin_weights, options.perlin_kappa, rng
    )
    field = np.ascontiguousarray(field[clean.window])
    if options.mask == "literal":
        soft = literal_mask(clean, field, draw.quantile, options.mask_share)
    else:
        soft = blob_mask(clean, field, draw.quantile, options.mask_share, rng)
    rgb, depth = clean.rgb.copy(), clean.depth.copy()
    if draw.modality != "depth":
        _change_colour(rgb, clean, field, soft, draw, options)
    if draw.modality != "colour":
        _change_depth(depth, clean, field, soft, draw)
    whole = np.zeros_like(depth)
    whole[clean.window] = soft
    return Variant(rgb, depth, whole > 0.5, whole, draw.modality)


def _lattices(options: PseudoOptions, rng: np.random.Generator) -> tuple[Lattice, ...]:
    """The paper's square lattices; for blobs coarse ones, stretched at random, octave by octave."""
    if options.mask == "literal":
        return tuple((cells, cells) for cells in options.perlin_grids)
    rows, columns = (int(cells) for cells in rng.integers(*options.blob_cells, 2, endpoint=True))
    octaves = range(len(options.perlin_weights))
    return tuple((rows * 2**octave, columns * 2**octave) for octave in octaves)


def _change_colour(
    rgb: ColourImage,
    clean: CleanSample,
    field: FloatImage,
    soft: FloatImage,
    draw: Draw,
    options: PseudoOptions,
) -> None:
    """R_a = (1-M) R + M [(1-rho) clip(R (1 + beta_p S_f P~)) + rho N_hat] (eq. 6), in place.

    Touches the pixels with M > 0 alone; all others keep their bits.
    """
    at = np.flatnonzero(soft > 0.0)
    pixels = rgb.reshape(-1, 3)
    at_image = _image_index(clean, at)
    blend = soft.ravel()[at]
    share = draw.texture_share + 0.3 * (clean.texture.ravel()[at] - 0.5)
    share = np.clip(share, 0.0, 1.0)
    gain = draw.colour_strength * blend * clean.strength.ravel()[at] * field.ravel()[at]
    original = _channels(pixels[at_image])
    brightened = np.clip(original * (1.0 + gain), 0.0, 255.0)
    changed = (1.0 - share) * brightened + share * _texture_at(clean, at, draw, options)
    blended = original + blend * (changed - original)
    pixels[at_image] = np.rint(blended).T


def _change_depth(
    depth: FloatImage, clean: CleanSample, field: FloatImage, soft: FloatImage, draw: Draw
) -> None:
    """D_a = (1-M) D + M D (1 + beta_d S_f P~_d) with D = D_n + 0.5 (eq. 7), in place.

    Touches the pixels with M > 0.5 alone: in the faint band outside the part the formula, square
    in M, does less than a tenth of its work, and a target must say exactly where depth differs.
    """
    at = np.flatnonzero(soft > 0.5)
    smoothed = clean.guide.filter(field).ravel()[at]
    blend = soft.ravel()[at]
    gain = draw.depth_strength * blend * clean.strength.ravel()[at] * smoothed
    heights = depth.reshape(-1)
    at_image = _image_index(clean, at)
    heights[at_image] += blend * gain * (heights[at_image] + DEPTH_OFFSET)


def _image_index(clean: CleanSample, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat image indices of flat window indices."""
    rows, columns = np.divmod(at, clean.spatial.shape[1])
    return (rows + clean.window[0].start) * len(clean.rgb) + columns + clean.window[1].start


def _texture_at(
    clean: CleanSample, at: NDArray[np.intp], draw: Draw, options: PseudoOptions
) -> NDArray[np.float32]:
    """N_hat at flat window indices, (3, k) in [0, 255].

    A texture turned and scaled into the box of M_s, mirrored where it ends, with the part's
    per-channel mean and deviation; its own over the foreground come from every 16th pixel there.
    """
    textures = texture_set(options.textures, options.seed)
    texture = textures[int(draw.texture * len(textures))]
    probes = clean.inside[::PROBE_STEP]
    placed = _placed(texture, np.concatenate([probes, at]), clean, draw)
    mean, deviation = cv2.meanStdDev(placed[: len(probes), None])
    matched = _channels(placed[len(probes) :])
    matched -= mean.astype(np.float32)
    matched *= clean.colour_deviation / np.maximum(deviation, 1.0).astype(np.float32)
    matched += clean.colour_mean
    return np.clip(matched, 0.0, 255.0, out=matched)


def _channels(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colours (k, 3) as float32 (3, k): long rows, which arithmetic likes better than triples."""
    return np.ascontiguousarray(colours.T, dtype=np.float32)


def _placed(
    texture: ColourImage, at: NDArray[np.intp], clean: CleanSample, draw: Draw
) -> NDArray[np.uint8]:
    """The texture's colours (k, 3) at flat window indices.

    The longer side of M_s's box spans `zoom` textures.
    """
    top, left, height, width = clean.box
    step = draw.zoom * len(texture) / max(height, width)
    along, across = step * np.cos(draw.turn_rad), step * np.sin(draw.turn_rad)
    rows, columns = np.divmod(at.astype(np.int32), clean.spatial.shape[1])
    down = rows.astype(np.float32) - (top + height / 2)
    right = columns.astype(np.float32) - (left + width / 2)
    where = np.empty((-(-len(at) // MAP_COLUMNS), MAP_COLUMNS, 2), dtype=np.float32)
    where.reshape(-1, 2)[: len(at), 0] = along * right - across * down + len(texture) / 2
    where.reshape(-1, 2)[: len(at), 1] = across * right + along * down + len(texture) / 2
    where.reshape(-1, 2)[len(at) :] = 0.0
    colours = cv2.remap(
        texture, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(colours).reshape(-1, 3)[: len(at)]
