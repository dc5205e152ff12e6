"""What is measured: training samples of categories, ways to make pseudo-anomalies, the noise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.clean import CleanSample
from dcrdf.config.options import PrepareOptions, PseudoOptions, SyntheticOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.synthetic import CATEGORIES, synthesize
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

SAMPLES = 16
SIZE = 256
LATTICES = ((16, 16), (32, 32), (64, 64))
WEIGHTS = (0.5, 0.3, 0.2)
SETTINGS: Mapping[str, PseudoOptions] = {
    "literal (the paper)": PseudoOptions(),
    "literal, modality": PseudoOptions(variant="modality"),
    "blobs": PseudoOptions(mask="blobs"),
    "blobs, modality, uniform, shift 1": PseudoOptions(
        mask="blobs", variant="modality", strength="uniform", texture_shift=1.0
    ),
}


@dataclass(frozen=True)
class Category:
    """The training split of a prepared category."""

    name: str
    path: Path
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    foreground: NDArray[np.bool_]
    bounded: bool
    span_mm: float

    def weighed(self, index: int, options: PseudoOptions) -> CleanSample:
        """A sample ready to be varied."""
        arrays = self.rgb[index], self.depth[index], self.foreground[index]
        return CleanSample.of(*arrays, options, bounded=self.bounded)


def read_category(path: Path) -> Category:
    """Read up to `SAMPLES` training samples."""
    with open_prepared(path) as prepared:
        split, constants = prepared.split("train"), prepared.constants
        return Category(
            prepared.category,
            path,
            split.rgb[:SAMPLES],
            split.depth[:SAMPLES],
            split.foreground[:SAMPLES],
            constants.mode == "part",
            1e3 * (constants.high_m - constants.low_m),
        )


def made_categories(folder: Path) -> list[Category]:
    """The embedded data set's categories, prepared."""
    options = SyntheticOptions(train=SAMPLES, validation=1, test_good=1, test_per_defect=1)
    categories = []
    for name in CATEGORIES:
        synthesize(folder, name, options, 2)
        out = folder / f"{name}.h5"
        prepare_category(list_samples(folder, "mvtec3d", name), PrepareOptions(), out, "{}", 1)
        categories.append(read_category(out))
    return categories


def frame_filling(category: Category) -> Category:
    """The same images as if the part filled the frame: the largest amount of work."""
    everywhere = np.ones_like(category.foreground)
    name = f"{category.name}, whole frame"
    return replace(category, name=name, foreground=everywhere, bounded=False)
