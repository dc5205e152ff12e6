"""What changes: size, pieces, place and strength of the pseudo-anomalies."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.anomalies.cases import SETTINGS, Category
from bench.page import Rows
from dcrdf.anomalies.inject import Changes, vary
from dcrdf.config.options import PseudoOptions
from dcrdf.files.digests import seed_of


def bench_looks(categories: list[Category]) -> Rows:
    """Size, pieces, place and strength of the changes."""
    return [
        (category.name, name, *looks(category, options))
        for category in categories
        for name, options in SETTINGS.items()
    ]


def looks(category: Category, options: PseudoOptions) -> tuple[str, ...]:
    """Of all variants of a category: share, pieces, piece area, place, colour, height."""
    shares, pieces, areas, textured, colours, heights = ([] for _ in range(6))
    for index in range(len(category.rgb)):
        sample = category.weighed(index, options)
        foreground = category.foreground[index]
        texture = np.zeros(foreground.shape, dtype=np.float32)
        texture[sample.window] = sample.texture
        rough = texture > np.quantile(texture[foreground], 0.8)
        for variant in range(options.variants):
            changes = vary(sample, options, seed_of(category.name, index, variant))
            marked = changes.at[changes.soft > 0.5]
            mask = np.zeros(foreground.shape, dtype=bool)
            mask.reshape(-1)[marked] = True
            labels, count = ndimage.label(mask, np.ones((3, 3)))
            shares.append(mask.sum() / foreground.sum())
            pieces.append(count)
            areas.extend(np.bincount(labels.ravel())[1:])
            textured.append(rough[mask].mean())
            colour, height = changed_by(changes, category, index)
            colours.append(colour)
            heights.append(height)
    colour_levels, heights_mm = np.concatenate(colours), np.concatenate(heights)
    return (
        " / ".join(f"{100 * value:.1f}" for value in np.percentile(shares, (5, 50, 95))),
        f"{np.median(pieces):.0f}",
        " / ".join(f"{value:.0f}" for value in np.percentile(areas, (5, 50, 95))),
        f"{100 * np.mean(textured):.0f}",
        f"{np.median(colour_levels):.0f}",
        f"{np.median(heights_mm):.2f}",
    )


def changed_by(
    changes: Changes, category: Category, index: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Absolute changes inside the target: grey levels and millimetres, where a modality changed."""
    marked = changes.soft > 0.5
    at = changes.at[marked]
    before = category.rgb[index].reshape(-1, 3)[at].astype(float)
    colour = np.abs(changes.rgb[marked] - before).mean(axis=1)
    height = np.abs(changes.depth[marked] - category.depth[index].ravel()[at]) * category.span_mm
    return (
        colour if changes.modality != "depth" else colour[:0],
        height.astype(float) if changes.modality != "colour" else height[:0].astype(float),
    )
