"""Pseudo-anomalies: samples per second, what the masks and changes look like, storage layouts.

`python -m bench.anomalies` prints the tables and writes them to bench/anomalies.md; with
`--prepared FILE...` further prepared categories are measured, and nothing is written. Times are
CPU seconds of one thread, the best of several rounds: compare them within one run, never across
machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import itertools
import math
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.figures import keep
from dcrdf.anomalies import inject
from dcrdf.anomalies.cache import open_variants, write_variants
from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.draw import Draw
from dcrdf.anomalies.inject import Anomaly, Changes, vary
from dcrdf.anomalies.masks import quantile_of
from dcrdf.anomalies.perlin import corner_weights, draw_gradients, gradient_noise, perlin_field
from dcrdf.anomalies.textures import texture_set
from dcrdf.config.options import PrepareOptions, PseudoOptions, SyntheticOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.synthetic import CATEGORIES, synthesize
from dcrdf.files.digests import seed_of
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

Rows = list[tuple[str, ...]]

OUTPUT = Path(__file__).with_suffix(".md")
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
    return Category(
        f"{category.name}, whole frame",
        category.path,
        category.rgb,
        category.depth,
        everywhere,
        False,
        category.span_mm,
    )


def best_seconds(work: Callable[[], Any], rounds: int = 5) -> float:
    """The least CPU time of several rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


# Throughput --------------------------------------------------------------------------------------


def bench_throughput(categories: list[Category]) -> Rows:
    """Variants per CPU second, weighing each sample once for its four variants."""
    rows: Rows = []
    for category in categories:
        cells = [category.name, f"{category.foreground.mean():.2f}"]
        for options in SETTINGS.values():
            seconds = best_seconds(lambda c=category, o=options: vary_all(c, o), 12)
            cells.append(f"{len(category.rgb) * options.variants / seconds:.0f}")
        rows.append(tuple(cells))
    return rows


def throughput_figures(rows: Rows) -> dict[str, float]:
    """Of the rows of all categories, the last of which fills the frame."""
    rates = [[float(cell) for cell in cells] for _, _, *cells in rows]
    return {
        "literal masks, part fills the frame": rates[-1][0],
        "slowest of the embedded parts, any options": min(map(min, rates[:-1])),
        "slowest of all, any options": min(map(min, rates)),
    }


def vary_all(category: Category, options: PseudoOptions) -> None:
    """All variants of all samples."""
    for index in range(len(category.rgb)):
        sample = category.weighed(index, options)
        for variant in range(options.variants):
            vary(sample, options, seed_of(category.name, index, variant))


def bench_whole(category: Category, folder: Path) -> Rows:
    """What a user waits for: prepared file to cache file, and the first variant of all."""
    options = PseudoOptions()
    out = folder / "whole.h5"
    unused_seeds = itertools.count(1000)
    first = best_seconds(lambda: texture_set(options.textures, next(unused_seeds)), 3)
    seconds = best_seconds(lambda: write_variants(category.path, options, out, "{}", 1), 3)
    with open_variants(out) as variants:
        count = variants.modality.size
    return [
        ("prepared file to cache file, samples a second", f"{count / seconds:.0f}"),
        ("texture set, once per process, ms", f"{1e3 * first:.0f}"),
    ]


def bench_steps(category: Category) -> Rows:
    """Milliseconds of the parts of one variant."""
    options = PseudoOptions()
    sample = category.weighed(0, options)
    rng = np.random.default_rng(0)
    draw = Draw.of(options, rng)
    anomaly = Anomaly.of(sample, options, draw, rng)
    at = np.flatnonzero(anomaly.soft > 0.0)
    rgb = np.zeros((len(at), 3), dtype=np.uint8)
    depth = np.zeros(len(at), dtype=np.float32)
    texture = texture_set(options.textures, options.seed)[0]
    steps: dict[str, Callable[[], Any]] = {
        "weigh a sample (shared by its variants)": lambda: category.weighed(0, options),
        "Perlin noise of three lattices": lambda: gradient_noise(SIZE, LATTICES, WEIGHTS, rng),
        "field and mask": lambda: Anomaly.of(sample, options, draw, rng),
        "colour": lambda: inject._changed_colour(rgb, at, sample, anomaly, draw, texture),
        "depth": lambda: inject._changed_depth(depth, at, sample, anomaly, draw),
        "one variant": lambda: vary(sample, options, 0),
    }
    return [(name, f"{repeated_ms(work):.2f}") for name, work in steps.items()]


def repeated_ms(work: Callable[[], Any], times: int = 40) -> float:
    """Milliseconds of short work."""
    return 1e3 / times * best_seconds(lambda: [work() for _ in range(times)])


# Perlin ------------------------------------------------------------------------------------------


def bench_perlin() -> Rows:
    """Three lattices at 256 x 256, against the two usual ways."""
    rng = np.random.default_rng(0)
    ours = repeated_ms(lambda: gradient_noise(SIZE, LATTICES, WEIGHTS, rng))
    gathered = repeated_ms(lambda: gathered_noise(rng), 5)
    looped = 1e3 * best_seconds(lambda: looped_noise(rng), 1)
    return [
        (name, f"{ms:.2f}", f"{ms / ours:.0f}")
        for name, ms in (
            ("banded matrix products (chosen)", ours),
            ("corner gradients gathered per pixel", gathered),
            ("loop over pixels", looped),
        )
    ]


def gathered_noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Vectorised over pixels: four gathered gradients, four dot products, three blends."""
    noise = np.zeros((SIZE, SIZE), dtype=np.float32)
    for (cells, _), (down, across) in zip(
        LATTICES, draw_gradients(LATTICES, WEIGHTS, rng), strict=True
    ):
        position = ((np.arange(SIZE) + 0.5) * cells / SIZE).astype(np.float32)
        low = position.astype(int)
        part = position - low
        fade = part**3 * (part * (6 * part - 15) + 10)
        y, x = np.meshgrid(low, low, indexing="ij")
        dy, dx = np.meshgrid(part, part, indexing="ij")
        fy, fx = np.meshgrid(fade, fade, indexing="ij")
        corner = {
            (i, j): down[y + i, x + j] * (dy - i) + across[y + i, x + j] * (dx - j)
            for i in (0, 1)
            for j in (0, 1)
        }
        top = corner[0, 0] + fx * (corner[0, 1] - corner[0, 0])
        bottom = corner[1, 0] + fx * (corner[1, 1] - corner[1, 0])
        noise += top + fy * (bottom - top)
    return noise


def looped_noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Pixel by pixel, corner by corner."""
    noise = np.zeros((SIZE, SIZE), dtype=np.float32)
    for (cells, _), (down, across) in zip(
        LATTICES, draw_gradients(LATTICES, WEIGHTS, rng), strict=True
    ):
        for row in range(SIZE):
            y = (row + 0.5) * cells / SIZE
            for column in range(SIZE):
                x = (column + 0.5) * cells / SIZE
                for i in (math.floor(y), math.floor(y) + 1):
                    for j in (math.floor(x), math.floor(x) + 1):
                        dot = down[i, j] * (y - i) + across[i, j] * (x - j)
                        noise[row, column] += faded(y - i) * faded(x - j) * dot
    return noise


def faded(offset: float) -> float:
    """The quintic fade towards a corner."""
    t = 1.0 - abs(offset)
    return t**3 * (t * (6.0 * t - 15.0) + 10.0)


def bench_batched(batch: int = 32) -> Rows:
    """Fields and masks of a batch over the whole frame: our way, and all at once in torch."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    rank = int(0.95 * (SIZE * SIZE - 1))
    square = np.ones((3, 3), dtype=np.uint8)
    axes = [[torch.from_numpy(part) for part in corner_weights(SIZE, n)] for n, _ in LATTICES]

    def one_by_one() -> None:
        for _ in range(batch):
            field = perlin_field(SIZE, LATTICES, WEIGHTS, 1.0, rng)
            threshold = quantile_of(field.ravel(), 0.95)
            _, mask = cv2.threshold(field, float(threshold), 1.0, cv2.THRESH_BINARY)
            cv2.morphologyEx(mask, cv2.MORPH_CLOSE, square)

    def at_once() -> None:
        noise = torch.zeros(batch, SIZE, SIZE)
        for (cells, _), weight, (fade, offset) in zip(LATTICES, WEIGHTS, axes, strict=True):
            angle = torch.rand(batch, cells + 1, cells + 1) * (2.0 * math.pi)
            noise += offset @ (weight * angle.sin() @ fade.T)
            noise += fade @ (weight * angle.cos() @ offset.T)
        noise /= noise.std(dim=(1, 2), keepdim=True)
        field = noise.tanh_()
        threshold = field.flatten(1).kthvalue(rank + 1).values
        mask = (field > threshold[:, None, None]).float()[:, None]
        grown = torch.nn.functional.max_pool2d(mask, 3, 1, 1)
        -torch.nn.functional.max_pool2d(-grown, 3, 1, 1)

    ways = {"numpy and OpenCV, one by one (chosen)": one_by_one, "torch, batch of 32": at_once}
    at_once()
    return [(name, f"{batch / best_seconds(work, 3):.0f}") for name, work in ways.items()]


# What changes ------------------------------------------------------------------------------------


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


# Storage -----------------------------------------------------------------------------------------


def bench_store(folder: Path, category: Category) -> Rows:
    """Cache layouts: size, writing and reading, one chunk per variant."""
    source = folder / "source.h5"
    write_variants(category.path, PseudoOptions(), source, "{}", 1)
    with h5py.File(source) as file:
        arrays = {name: file[name][:] for name in ("rgb", "depth", "mask")}
    unpacked = arrays | {"mask": np.unpackbits(arrays["mask"], axis=-1)}
    lzf, gzip = {"compression": "lzf", "shuffle": True}, {"compression": "gzip", "shuffle": True}
    layouts: dict[str, tuple[dict[str, NDArray[Any]], dict[str, dict[str, Any]]]] = {
        "nothing, mask in bytes": (unpacked, {}),
        "nothing, mask in bits": (arrays, {}),
        "mask in bits and lzf (chosen)": (arrays, {"mask": {"compression": "lzf"}}),
        "all lzf + shuffle": (arrays, dict.fromkeys(arrays, lzf)),
        "all gzip 1 + shuffle": (arrays, dict.fromkeys(arrays, gzip | {"compression_opts": 1})),
    }
    return [
        (name, *store_figures(folder / "layout.h5", values, filters))
        for name, (values, filters) in layouts.items()
    ]


def store_figures(
    path: Path, arrays: Mapping[str, NDArray[Any]], filters: Mapping[str, dict[str, Any]]
) -> tuple[str, ...]:
    """KiB a variant, and variants per CPU second written, read at random, and read in one go."""
    count, variants = arrays["rgb"].shape[:2]
    total = count * variants

    def write() -> None:
        with h5py.File(path, "w", libver=("v110", "v110")) as file:
            for name, values in arrays.items():
                chunks = (1, 1, *values.shape[2:])
                extra = {"fletcher32": True} | filters.get(name, {})
                file.create_dataset(name, data=values, chunks=chunks, **extra)

    def read_at_random() -> None:
        with h5py.File(path) as file:
            for flat in np.random.default_rng(0).permutation(total):
                for name in arrays:
                    file[name][divmod(int(flat), variants)]

    def read_all() -> None:
        with h5py.File(path) as file:
            for name in arrays:
                file[name][:]

    written = best_seconds(write, 3)
    size = f"{path.stat().st_size / total / 1024:.0f}"
    rates = (
        total / seconds for seconds in (written, *map(best_seconds, (read_at_random, read_all)))
    )
    return (size, *(f"{rate:.0f}" for rate in rates))


# Tables ------------------------------------------------------------------------------------------


def table(header: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """What the figures depend on."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, OpenCV {cv2.__version__}, h5py {h5py.__version__}, "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def measured(categories: list[Category], folder: Path) -> list[str]:
    """All tables as text."""
    throughput = bench_throughput([*categories, frame_filling(categories[0])])
    keep("anomalies", throughput_figures(throughput))
    return [
        "## Throughput",
        "Variants per second at 256 x 256, both modalities, textures included.",
        table(("category", "part, share of the image", *SETTINGS), throughput),
        table(("operation", ""), bench_whole(categories[0], folder)),
        table(("step", "ms"), bench_steps(categories[0])),
        "## Perlin noise",
        table(("way", "ms", "ratio"), bench_perlin()),
        "## Fields and masks in batches",
        "Fields and masks alone, a second; whole frame, 256 x 256, on the CPU.",
        table(("way", "samples/s"), bench_batched()),
        "## What changes",
        "Percentiles 5 / 50 / 95 or medians; colour and height inside the mask, where changed.",
        table(
            (
                "category",
                "options",
                "part changed, %",
                "pieces",
                "piece, px",
                "on the most textured fifth, %",
                "colour, grey levels",
                "height, mm",
            ),
            bench_looks(categories),
        ),
        "## Storage",
        "Variants a second; KiB a variant.",
        table(
            ("layout", "KiB", "write", "random read", "read all"),
            bench_store(folder, categories[0]),
        ),
    ]


def main() -> None:
    """Run all parts, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prepared", type=Path, nargs="+", help="measure these prepared files")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    head = [
        "# Pseudo-anomalies: measured",
        f"Made by `python -m bench.anomalies`; CPU time of one thread. {machine()}.",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [read_category(path) for path in args.prepared or []]
        text = "\n\n".join(head + measured(own or made_categories(folder), folder)) + "\n"
    print(text)
    if not own:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
