"""Which places of good images a bank remembers."""

from collections.abc import Callable

import torch
from torch import Tensor

from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.detectors.patch_bank.k_centre import farthest_rows
from dcrdf.detectors.patch_bank.k_means import ELBOW_SIZES, elbow, k_means, standing_for
from dcrdf.detectors.patch_bank.places import Places

Say = Callable[[str], None]


def chosen_places(
    places: Places, options: PatchBankOptions, generator: torch.Generator, say: Say
) -> Tensor:
    """Numbers of the places that a bank remembers, each once. `say` is told the elbow's curve."""
    if options.select == "random":
        return places.drawn(_count(options, places.total), generator)
    sampled = places.drawn(options.sampled_max, generator)
    compared = places.projected(options.projection, generator)
    sample = compared.rows(sampled)
    if options.bank_size == "elbow":
        return standing_for(_centres_by_elbow(sample, say), compared)
    count = min(_count(options, places.total), len(sample))
    if options.select == "kmeans":
        return standing_for(k_means(sample, count)[0], compared)
    return sampled[farthest_rows(sample, count).cpu()]


def _count(options: PatchBankOptions, total: int) -> int:
    if isinstance(options.bank_size, int):
        return min(options.bank_size, total)
    return max(min(options.bank_max, round(options.bank_share * total)), 1)


def _centres_by_elbow(sample: Tensor, say: Say) -> Tensor:
    """k-means with as many centres as its curve says."""
    sizes = [size for size in ELBOW_SIZES if size <= len(sample)] or [len(sample)]
    found = [k_means(sample, size) for size in sizes]
    spreads = [spread for _, spread in found]
    best = elbow(sizes, spreads)
    curve = ", ".join(f"{size}: {spread:.4g}" for size, spread in zip(sizes, spreads, strict=True))
    say(f"mean squared distance by number of centres: {curve}; {sizes[best]} are taken")
    return found[best][0]
