"""The HDF5 cache of a category's pseudo-anomalies: V variants of every training sample.

Datasets `rgb`, `depth`, `mask` (bits packed along the columns) with one chunk per variant,
`modality`, `name`. Attributes: `stage`, `options`, `category`, `prepared_options` (digest),
`prepared_input` (digest), and of a folder of textures `textures_digest`. Everything follows from
(seed, category, sample, variant) alone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, FloatImage, Mask
from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.draw import MODALITIES
from dcrdf.anomalies.inject import Changes, vary
from dcrdf.anomalies.textures import digest_of_textures, texture_set
from dcrdf.config.options import PseudoOptions
from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.digests import seed_of, sha256_of_json
from dcrdf.files.hdf5 import (
    PACKED,
    NewFile,
    damage_named,
    new_hdf5,
    open_hdf5,
    read_attribute,
    require_finite,
    write_attributes,
)
from dcrdf.preparation.store import Prepared, open_prepared, plain_link
from dcrdf.workers import Workers

VARIANTS_PER_PROCESS = 1000
"""Fewer are made sooner than another process has started."""


def write_variants(
    prepared_path: Path, options: PseudoOptions, out: Path, stage_json: str, processes: int
) -> None:
    """Make all variants of the prepared file's training split and write them to `out`.

    The same input and options give the same arrays whatever `processes`.

    Raises:
        UserError: the prepared file, the textures or a sample cannot be used, or `out` cannot be
            written; `out` then stays as it was.
    """
    texture_set(options.textures, options.seed)
    with open_prepared(prepared_path) as prepared:
        split = prepared.split("train")
        empty = np.flatnonzero(~split.foreground.any(axis=(1, 2)))
        if len(empty):
            name = split.name[empty[0]]
            raise UserError(f"{prepared_path}: train/{name} shows no part; prepare without it")
        maker = VariantMaker(options, prepared.category, prepared.constants.mode == "part")
        clean = zip(split.name, split.rgb, split.depth, split.foreground, strict=True)
        processes = min(processes, 1 + len(split) * options.variants // VARIANTS_PER_PROCESS)
        with replacing(out) as aside, Workers(processes) as workers, new_hdf5(aside) as file:
            write_attributes(file, _attributes(prepared, options, stage_json))
            datasets = _created(file, split.name, options.variants, split.rgb.shape[1])
            for index, changes in enumerate(workers.map(maker, clean)):
                rows = _rows(split.rgb[index], split.depth[index], changes)
                for name, values in rows.items():
                    datasets[name][index] = values
                file.check()


@dataclass(frozen=True)
class VariantMaker:
    """Makes all variants of one sample; travels to worker processes."""

    options: PseudoOptions
    category: str
    bounded: bool

    def __call__(self, clean: tuple[str, ColourImage, FloatImage, Mask]) -> list[Changes]:
        """The variants of (name, rgb, D_n, foreground), as what they change: little to send."""
        name, rgb, depth, foreground = clean
        sample = CleanSample.of(rgb, depth, foreground, self.options, bounded=self.bounded)
        seeds = (
            seed_of(self.options.seed, self.category, name, index)
            for index in range(self.options.variants)
        )
        return [vary(sample, self.options, seed) for seed in seeds]


class Variants:
    """An open cache; made by `open_variants`. Arrays are read on first access and kept."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._file = file
        self._path = path
        self.stage: dict[str, Any] = json.loads(read_attribute(file, "stage"))
        self.options = PseudoOptions.parse(json.loads(read_attribute(file, "options")), "pseudo")
        self.category = read_attribute(file, "category")
        self.textures_digest: str | None = None
        """Of a folder of textures: its content."""
        if "textures_digest" in file.attrs:
            self.textures_digest = read_attribute(file, "textures_digest")
        self._source = (
            read_attribute(file, "prepared_options"),
            read_attribute(file, "prepared_input"),
        )
        _check_layout(file, path)
        self.name = [text.decode() for text in file["name"][:]]

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Colour, uint8 (N, V, S, S, 3)."""
        return self._read("rgb")

    @cached_property
    def depth(self) -> NDArray[np.float16]:
        """D_n, float16 (N, V, S, S); the rounded clean depth wherever `mask` is false."""
        values = self._read("depth")
        with damage_named(self._path, "pseudo"):
            require_finite(values, "depth")
        return values

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Targets, (N, V, S, S)."""
        return np.unpackbits(self._read("mask"), axis=-1).view(np.bool_)

    @cached_property
    def modality(self) -> NDArray[np.int8]:
        """What changed, an index into `draw.MODALITIES`, (N, V)."""
        return self._read("modality")

    def changes(self, part: Literal["colour", "depth"]) -> NDArray[np.bool_]:
        """Whether a variant changes its colour or its depth, (N, V)."""
        touching = [MODALITIES.index(part), MODALITIES.index("joint")]
        return np.isin(self.modality, touching)

    def require_made_from(self, prepared: Prepared) -> None:
        """Refuse (`UserError`) a cache of other samples or of another preparation."""
        if self._source != _source(prepared) or self.name != prepared.split("train").name:
            raise UserError(f"{self._path}: made from other prepared data; run pseudo again")

    def _read(self, name: str) -> NDArray[Any]:
        with damage_named(self._path, "pseudo"):
            values: NDArray[Any] = self._file[name][:]
        return values


@contextmanager
def open_variants(path: Path) -> Iterator[Variants]:
    """Open a cache and check its whole layout before any array is read.

    Raises:
        UserError: no such file, damaged, not a cache, or one with links to elsewhere.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; run pseudo first")
    with damage_named(path, "pseudo"):
        file = open_hdf5(path)
    with file:
        with damage_named(path, "pseudo"):
            variants = Variants(file, path)
        yield variants


def _rows(rgb: ColourImage, depth: FloatImage, changes: list[Changes]) -> dict[str, NDArray[Any]]:
    """One sample's rows of the image datasets."""
    count = len(changes)
    rgbs = np.repeat(rgb[None], count, axis=0)
    depths = np.repeat(depth.astype(np.float16)[None], count, axis=0)
    masks = np.zeros(depths.shape, dtype=np.bool_)
    for index, change in enumerate(changes):
        change.apply_to(rgbs[index], depths[index], masks[index])
    modality = [MODALITIES.index(change.modality) for change in changes]
    return {
        "rgb": rgbs,
        "depth": depths,
        "mask": np.packbits(masks, axis=-1),
        "modality": np.array(modality, dtype=np.int8),
    }


def _created(file: NewFile, names: list[str], variants: int, size: int) -> dict[str, h5py.Dataset]:
    """Names, and room for the rest. Noisy colours and heights are not worth compressing."""
    texts = np.array([name.encode() for name in names])
    text_type = h5py.string_dtype("utf-8", texts.itemsize)
    file.create_dataset("name", data=texts.astype(text_type), chunks=texts.shape, fletcher32=True)
    count = len(names)
    return {
        name: file.create_dataset(
            name,
            shape=(count, variants, *axes),
            dtype=dtype,
            chunks=(1, 1, *axes) if axes else (count, variants),
            fletcher32=True,
            **(PACKED if name == "mask" else {}),
        )
        for name, (dtype, axes) in _layout(size).items()
    }


def _layout(size: int) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
    """Type and axes after (N, V) of every image dataset."""
    return {
        "rgb": (np.uint8, (size, size, 3)),
        "depth": (np.float16, (size, size)),
        "mask": (np.uint8, (size, size // 8)),
        "modality": (np.int8, ()),
    }


def _check_layout(file: h5py.File, path: Path) -> None:
    """Refuse links, foreign data, other shapes, and data that are not all there."""
    members = {name: plain_link(file, name, path, "pseudo") for name in (*_layout(8), "name")}
    count, variants, size = members["rgb"].shape[:3]
    name = members["name"]
    if name.shape != (count,) or name.dtype.kind != "S" or name.id.get_num_chunks() != 1:
        raise ValueError(f"name is {name.dtype} {name.shape}")
    for key, (dtype, axes) in _layout(size).items():
        dataset = members[key]
        if dataset.shape != (count, variants, *axes) or dataset.dtype != dtype:
            raise ValueError(f"{key} is {dataset.dtype} {dataset.shape}")
        if not _stored_in_full(dataset):
            raise ValueError(f"{key} is stored in part only")


def _stored_in_full(dataset: h5py.Dataset) -> bool:
    """Whether the file holds what the shape promises, so that no header can claim terabytes."""
    if dataset.chunks is None:
        return False
    chunks = np.prod(np.array(dataset.shape) // dataset.chunks)
    whole = dataset.compression or dataset.id.get_storage_size() >= dataset.nbytes
    return bool(whole) and int(dataset.id.get_num_chunks()) == int(chunks)


def _attributes(prepared: Prepared, options: PseudoOptions, stage_json: str) -> dict[str, str]:
    prepared_options, prepared_input = _source(prepared)
    attributes = {
        "stage": stage_json,
        "options": options.model_dump_json(),
        "category": prepared.category,
        "prepared_options": prepared_options,
        "prepared_input": prepared_input,
    }
    textures = digest_of_textures(options.textures)
    return attributes if textures is None else attributes | {"textures_digest": textures}


def _source(prepared: Prepared) -> tuple[str, str]:
    """Digests of the preparation's options and of the files it read."""
    return sha256_of_json(prepared.options.record()), prepared.input_digest
