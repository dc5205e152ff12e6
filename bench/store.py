"""Layouts of the prepared file and of the variants: samples a second at random, and size.

`python -m bench.store` prints the table and writes bench/store.md. 32 samples of 256 x 256 of a
synthetic part with sensor noise, eight of them read at random; CPU seconds of one thread.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bench.figures import keep
from bench.page import Rows, load_average, machine_line, table

OUTPUT = Path(__file__).with_suffix(".md")
SAMPLES, SIZE, ROUNDS = 32, 256, 1
READ_AT_RANDOM = 8
Arrays = dict[str, NDArray[Any]]
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "masks lzf": {"compression": "lzf"},
    "masks gzip 1": {"compression": "gzip", "compression_opts": 1},
    "all lzf": {"compression": "lzf", "shuffle": True},
    "all gzip 1": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
}
CHOSEN = "masks gzip 1"
HEAD = ("file", "chunk, samples", "compression", "KiB a sample", "random samples/s", "all/s")
RULE = "| --- | ---: | --- | ---: | ---: | ---: |"


def made_samples() -> dict[str, Arrays]:
    """The image arrays of both files: a domed disc, noise of two grey levels and 0.01 of height."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    dome = np.maximum(0.16 - x * x - y * y, 0.0) * 6.0
    shape = (SAMPLES, SIZE, SIZE)
    rgb = 80 + 100 * dome[..., None] + rng.normal(0.0, 2.0, (*shape, 3))
    depth = np.where(dome > 0.0, dome + rng.normal(0.0, 0.01, shape), 0.0)
    colour = rgb.astype(np.uint8)
    part = np.broadcast_to(dome > 0.0, shape)
    target = part & (rng.random(shape) > 0.95)
    prepared = {"rgb": colour, "depth": depth.astype(np.float32), "foreground": part}
    prepared["valid"] = rng.random(shape) > 0.02
    variants = {"rgb": colour, "depth": depth.astype(np.float16)}
    return {"prepared": prepared, "variants": variants | {"mask": np.packbits(target, axis=-1)}}


def measured(path: Path, arrays: Arrays, chunk: int, compression: str) -> tuple[str, ...]:
    """KiB a sample, and samples a CPU second read one by one in random order and in one go."""
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, values in arrays.items():
            images = name in ("rgb", "depth") and compression.startswith("masks")
            extra = {} if images else COMPRESSIONS[compression]
            chunks = (chunk, *values.shape[1:])
            file.create_dataset(name, data=values, chunks=chunks, fletcher32=True, **extra)
    order = np.random.default_rng(1).permutation(SAMPLES)[:READ_AT_RANDOM]
    at_random, in_one_go = [], []
    for _ in range(ROUNDS):
        with h5py.File(path) as file:
            start = time.process_time()
            for index in order:
                for name in arrays:
                    file[name][int(index)]
            middle = time.process_time()
        with h5py.File(path) as file:
            for name in arrays:
                file[name][:]
            at_random.append(middle - start)
            in_one_go.append(time.process_time() - middle)
    size = f"{path.stat().st_size / SAMPLES / 1024:.0f}"
    return size, f"{READ_AT_RANDOM / min(at_random):.0f}", f"{SAMPLES / min(in_one_go):.0f}"


def figures(rows: Rows) -> dict[str, float]:
    """The layout in use (chunk 1, masks gzip 1) against others, of the rows of the table."""
    size, reads = ({row[:3]: float(row[column]) for row in rows} for column in (3, 4))
    found = {}
    for kind in ("prepared", "variants"):
        chosen = (kind, "1", CHOSEN)
        found |= {
            f"{kind}, random reads against all gzip 1": reads[chosen]
            / reads[kind, "1", "all gzip 1"],
            f"{kind}, random reads against chunks of 16": reads[chosen] / reads[kind, "16", CHOSEN],
            f"{kind}, size against no compression": size[chosen] / size[kind, "1", "none"],
        }
    return found


def main() -> None:
    """Measure every layout, print and keep the table."""
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, arrays in made_samples().items():
            for chunk in (1, 4, 16):
                for compression in COMPRESSIONS:
                    measures = measured(Path(folder) / "file.h5", arrays, chunk, compression)
                    rows.append((kind, str(chunk), compression, *measures))
    keep("store", figures(rows))
    on = f"{machine_line(np, h5py)}, {load_average()}"
    text = (
        "# Layouts of the HDF5 files: measured\n\n"
        f"Made by `python -m bench.store`; CPU seconds of one thread. {on}.\n"
        f"The layout in use is chunk 1, {CHOSEN}: reading one sample then costs one sample. "
        "Chunks of\n"
        "several samples make random reads slower and save nothing; compressing the images "
        "too saves\n"
        "a third to a half of the file and costs half or more of the speed of every read. "
        "LZF is out\n"
        "for another reason: it packs the same values in more than one way, and a file made "
        "again then\n"
        "differs from what it was.\n\n"
        f"{table(HEAD, rows, RULE)}\n"
    )
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
