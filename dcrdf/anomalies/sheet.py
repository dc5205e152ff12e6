"""A contact sheet: clean and perturbed samples side by side, to be looked at."""

from pathlib import Path

import cv2
import numpy as np

from dcrdf.anomalies.arrays import ColourImage, FloatImage
from dcrdf.anomalies.cache import Variants, open_variants
from dcrdf.files.png import write_png
from dcrdf.preparation.store import Prepared, PreparedSplit, open_prepared

GAP_PX = 4
HEADER_PX = 22
COLUMNS = ("clean colour", "colour", "clean depth", "depth", "mask")
PAPER = 255
INK = 0


def write_contact_sheet(
    prepared_path: Path, variants_path: Path, out: Path, samples: int = 4
) -> None:
    """Write the contact sheet of up to `samples` training samples, evenly picked, as PNG.

    Raises:
        UserError: a file cannot be read or written, or the cache belongs to other data.
    """
    with open_prepared(prepared_path) as prepared, open_variants(variants_path) as variants:
        sheet = contact_sheet(prepared, variants, samples)
    write_png(out, sheet)


def contact_sheet(prepared: Prepared, variants: Variants, samples: int) -> ColourImage:
    """A row per variant: clean colour | colour | clean depth | depth | mask, uint8 (H, W, 3)."""
    variants.require_made_from(prepared)
    split = prepared.split("train")
    picked = np.unique(np.linspace(0, len(split) - 1, min(samples, len(split))).astype(int))
    rows = [
        _framed(_tiles(split, variants, int(sample), variant))
        for sample in picked
        for variant in range(variants.options.variants)
    ]
    return np.concatenate([_header(split.rgb.shape[1]), *rows])


def _tiles(
    split: PreparedSplit, variants: Variants, sample: int, variant: int
) -> list[ColourImage]:
    clean_depth = split.depth[sample].astype(np.float16).astype(np.float32)
    low, high = (float(bound) for bound in np.percentile(clean_depth, (1.0, 99.0)))
    margin = 0.15 * max(high - low, 1e-3)
    bounds = (low - margin, high + margin)
    mask = variants.mask[sample, variant].astype(np.uint8) * np.uint8(255)
    return [
        split.rgb[sample],
        variants.rgb[sample, variant],
        _painted(clean_depth, bounds),
        _painted(variants.depth[sample, variant].astype(np.float32), bounds),
        np.repeat(mask[..., None], 3, axis=2),
    ]


def _painted(depth: FloatImage, bounds: tuple[float, float]) -> ColourImage:
    """Depth in colours, low to high as dark blue to yellow."""
    low, high = bounds
    grey = np.clip((depth - low) * (255.0 / (high - low)), 0.0, 255.0).astype(np.uint8)
    painted = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    return np.asarray(cv2.cvtColor(painted, cv2.COLOR_BGR2RGB))


def _framed(tiles: list[ColourImage]) -> ColourImage:
    gap = np.full((len(tiles[0]), GAP_PX, 3), PAPER, dtype=np.uint8)
    row = np.concatenate([part for tile in tiles for part in (tile, gap)], axis=1)
    below = np.full((GAP_PX, row.shape[1], 3), PAPER, dtype=np.uint8)
    return np.concatenate([row, below])


def _header(size: int) -> ColourImage:
    width = len(COLUMNS) * (size + GAP_PX)
    header = np.full((HEADER_PX, width, 3), PAPER, dtype=np.uint8)
    for index, title in enumerate(COLUMNS):
        corner = (index * (size + GAP_PX) + GAP_PX, HEADER_PX - 7)
        cv2.putText(header, title, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (INK,) * 3, 1)
    return header
