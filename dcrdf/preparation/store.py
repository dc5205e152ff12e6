"""Reads prepared HDF5 files and trusts nothing in them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.config.stages import digest_of_record
from dcrdf.datasets.sample import SPLITS
from dcrdf.errors import UserError
from dcrdf.files.hdf5 import (
    damage_named,
    open_hdf5,
    read_attribute,
    require_finite,
    require_labels,
    require_stored,
)
from dcrdf.files.limits import check_pixels
from dcrdf.preparation.layout import ATTRIBUTES, FIELDS, NATIVE_GT, Field, native_gt_name
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.resize import inside_mask


class PreparedSplit:
    """One split of a prepared category: N samples of S x S pixels.

    Arrays are read on first access and kept; read them while the file is open. `plane` is
    (nx, ny, nz, offset in metres) per sample; shares lie in [0, 1].
    """

    def __init__(self, group: h5py.Group, path: Path, options: PrepareOptions) -> None:
        self._group = group
        self._path = path
        self._size = options.image_size
        self._resize, self._multiple = options.resize, options.pad_multiple
        self.options = options
        self._count = _checked_fields(group, path, self._size)

    def __len__(self) -> int:
        return self._count

    def _read(self, name: str) -> NDArray[Any]:
        with damage_named(self._path, "prepare", f"{self._group.name}/{name}"):
            values: NDArray[Any] = self._group[name][:]
        return values

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Colour, uint8 (N, S, S, 3)."""
        return self._read("rgb")

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """D_n, float32 (N, S, S), holes filled."""
        values = self._read("depth")
        with damage_named(self._path, "prepare", f"{self._group.name}/depth"):
            require_finite(values, "depth")
        return values

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Where depth was measured, (N, S, S); elsewhere it is filled."""
        return self._read("valid")

    @cached_property
    def foreground(self) -> NDArray[np.bool_]:
        """M_f, (N, S, S)."""
        return self._read("foreground")

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Where the images are, (N, S, S); false on the bars of a letterbox."""
        masks = [
            inside_mask((int(height), int(width)), self._size, self._resize, self._multiple)
            for height, width in self.native_size
        ]
        return np.array(masks).reshape(-1, self._size, self._size)

    @cached_property
    def gt(self) -> NDArray[np.bool_]:
        """Defect masks at the network's size, (N, S, S)."""
        return self._read("gt")

    @cached_property
    def xyz(self) -> NDArray[np.float32]:
        """Points in metres, (N, S, S, 3), missing (0, 0, 0); `UserError` when not kept."""
        if "xyz" not in self._group:
            raise UserError(f"{self._path}: holds no points; prepare it again with keep_xyz")
        values: NDArray[np.float32] = self._read("xyz")
        with damage_named(self._path, "prepare", f"{self._group.name}/xyz"):
            require_finite(values, "xyz")
        return values

    @cached_property
    def normals(self) -> NDArray[np.float16]:
        """Surface normals n as (n + 1) / 2, (N, S, S, 3); `UserError` when there are none."""
        if "normals" not in self._group:
            raise UserError(f"{self._path}: holds no normals; set prepare.surface: normals")
        values: NDArray[np.float16] = self._read("normals")
        with damage_named(self._path, "prepare", f"{self._group.name}/normals"):
            require_finite(values, "normals")
        return values

    @cached_property
    def label(self) -> NDArray[np.int8]:
        """1 for a defective sample, 0 for a good one, (N,)."""
        label: NDArray[np.int8] = self._read("label")
        with damage_named(self._path, "prepare", f"{self._group.name}/label"):
            require_labels(label)
        return label

    @cached_property
    def mask_known(self) -> NDArray[np.bool_]:
        """Whether `gt` says where the defect is: false for a defective sample without a mask."""
        return self._read("mask_known")

    @cached_property
    def defect(self) -> list[str]:
        """Defect kinds; `good` for good samples."""
        return self._read_text("defect")

    @cached_property
    def name(self) -> list[str]:
        """File stems."""
        return self._read_text("name")

    @cached_property
    def native_size(self) -> NDArray[np.int32]:
        """(height, width) of the scans, (N, 2)."""
        sizes: NDArray[np.int32] = self._read("native_size")
        for height, width in np.unique(sizes, axis=0).tolist():
            check_pixels(height, width, self._path)
        return sizes

    @cached_property
    def plane(self) -> NDArray[np.float64]:
        """Planes used, (N, 4)."""
        return self._read("plane")

    @cached_property
    def plane_replaced(self) -> NDArray[np.bool_]:
        """Where the training split's median plane took the place of the sample's, (N,)."""
        return self._read("plane_replaced")

    @cached_property
    def plane_inlier_share(self) -> NDArray[np.float64]:
        """Share of the border that agrees with the sample's own best plane, (N,)."""
        return self._read("plane_inlier_share")

    @cached_property
    def missing_share(self) -> NDArray[np.float64]:
        """Share of missing points at native size, (N,)."""
        return self._read("missing_share")

    @cached_property
    def foreground_share(self) -> NDArray[np.float64]:
        """Share of the scan that is foreground, (N,)."""
        return self._read("foreground_share")

    @property
    def distance_m(self) -> NDArray[np.float64] | None:
        """Median distance of the points from the camera, (N,); older files lack it."""
        return self._of_newer_files("distance_m")

    @property
    def size_m(self) -> NDArray[np.float64] | None:
        """Diagonal of what is inspected, (N,); older files lack it."""
        return self._of_newer_files("size_m")

    def _of_newer_files(self, name: str) -> NDArray[np.float64] | None:
        if name not in self._group:
            return None
        values = self._read(name)
        with damage_named(self._path, "prepare", f"{self._group.name}/{name}"):
            require_finite(values, name)
        return values

    def native_gt(self, index: int) -> NDArray[np.bool_]:
        """The defect mask of one test sample at its own size, (h, w)."""
        height, width = (int(side) for side in self.native_size[index])
        with damage_named(self._path, "prepare", f"{self._group.name}/{NATIVE_GT}/{index}"):
            masks = plain_link(self._group, NATIVE_GT, self._path)
            dataset = plain_link(masks, native_gt_name(index), self._path)
            if dataset.shape != (height, width) or dataset.dtype != np.bool_:
                raise ValueError("its shape does not fit native_size")
            require_stored(dataset)
            mask: NDArray[np.bool_] = dataset[:]
        return mask

    def _read_text(self, name: str) -> list[str]:
        with damage_named(self._path, "prepare", f"{self._group.name}/{name}"):
            return [value.decode() for value in self._group[name][:]]


class Prepared:
    """An open prepared category; made by `open_prepared`."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._file = file
        self._path = path
        texts = {name: read_attribute(file, name) for name in ATTRIBUTES}
        self.category = texts["category"]
        self.input_digest = texts["input_digest"]
        self.stage: dict[str, Any] = json.loads(texts["stage"])
        self.options = PrepareOptions.parse(json.loads(texts["options"]), str(path))
        self.constants = PreparationConstants.from_dict(json.loads(texts["constants"]))
        self.summary: dict[str, Any] = json.loads(texts["summary"])
        self.skipped: list[tuple[str, str]] = [
            (str(identity), str(reason)) for identity, reason in json.loads(texts["skipped"])
        ]
        self._splits: dict[str, PreparedSplit] = {
            name: PreparedSplit(plain_link(file, name, path), path, self.options) for name in SPLITS
        }

    @property
    def height_range_mm(self) -> tuple[float, float] | None:
        """What D_n = 0 and 1 are; None where an image has a scale of its own, or z is no height."""
        options, constants = self.options, self.constants
        is_common = constants.mode == "field" or options.normalise == "category"
        if options.depth != "height" or not is_common:
            return None
        return 1e3 * constants.low_m, 1e3 * constants.high_m

    def require_record(self, digest: str) -> None:
        """Refuse (`UserError`) data whose record has another digest than a step above expects."""
        if digest_of_record(self.stage) != digest:
            raise UserError(
                f"{self._path}: prepared with other settings; run `dcrdf prepare` with these"
            )

    def split(self, name: str) -> PreparedSplit:
        """The split `train`, `validation` or `test`."""
        return self._splits[name]


@contextmanager
def open_prepared(path: Path) -> Iterator[Prepared]:
    """Open a prepared file and check its whole layout before any array is read.

    Raises:
        UserError: no such file, damaged, not a prepared file, or one with links to elsewhere.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; run prepare first")
    with damage_named(path, "prepare", "file"):
        file = open_hdf5(path)
    with file:
        with damage_named(path, "prepare", "header"):
            prepared = Prepared(file, path)
        yield prepared


def plain_link(group: h5py.Group, name: str, path: Path, step: str = "prepare") -> Any:
    """The member `name`, refused when it is a soft or external link or its data lie elsewhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise UserError(f"{path}: {name} is missing or a link to elsewhere; run {step} again")
    member = group[name]
    if isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
        raise UserError(f"{path}: {name} keeps its data in another file; run {step} again")
    return member


def _checked_fields(group: h5py.Group, path: Path, size: int) -> int:
    count = plain_link(group, "label", path).shape[0]
    for name, field in FIELDS.items():
        if field.optional and name not in group:
            continue
        dataset = plain_link(group, name, path)
        wanted = (count, *field.axes(size))
        fits = dataset.dtype.kind == "S" if field.is_text else dataset.dtype == field.dtype
        if dataset.shape != wanted or not fits:
            found = f"{dataset.dtype} {dataset.shape}"
            raise ValueError(f"{dataset.name} is {found}, not {field.dtype} {wanted}")
        if not _stored_in_full(dataset, field, count):
            raise ValueError(f"{dataset.name} is stored in part only")
    return int(count)


def _stored_in_full(dataset: h5py.Dataset, field: Field, count: int) -> bool:
    """Whether the file holds what the shape promises, so that no header can claim terabytes."""
    if not count:
        return True
    per_chunk = 1 if field.per_sample else count
    if dataset.chunks != (per_chunk, *dataset.shape[1:]):
        return False
    whole = field.packed or int(dataset.id.get_storage_size()) >= int(dataset.nbytes)
    return whole and int(dataset.id.get_num_chunks()) == count // per_chunk
