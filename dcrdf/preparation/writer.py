"""Streams prepared samples into the HDF5 file of a category."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.files.hdf5 import PACKED, NewFile, fixed_texts
from dcrdf.preparation.layout import FIELDS, NATIVE_GT, Field, native_gt_name


class SplitWriter:
    """Appends the images of one split, a chunk per sample; scalars follow when it is closed.

    `room` is the largest number of samples that may come; what is not used takes no space.
    `optional` names those of the optional fields that will.
    """

    def __init__(
        self,
        file: NewFile,
        split: str,
        *,
        room: int,
        image_size: int,
        optional: Collection[str] = (),
    ) -> None:
        self._file = file
        self._group = file.create_group(split)
        self._native = self._group.create_group(NATIVE_GT) if split == "test" else None
        self._count = 0
        self._images: dict[str, h5py.Dataset] = {
            name: self._create(name, field, (room, *field.axes(image_size)))
            for name, field in FIELDS.items()
            if field.per_sample and (name in optional or not field.optional)
        }

    def _create(self, name: str, field: Field, shape: tuple[int, ...]) -> h5py.Dataset:
        return self._group.create_dataset(
            name,
            shape=shape,
            maxshape=(None, *shape[1:]),
            chunks=(1, *shape[1:]),
            dtype=field.dtype,
            fletcher32=True,
            **(PACKED if field.packed else {}),
        )

    def append(
        self, images: Mapping[str, NDArray[Any]], native_gt: NDArray[np.bool_] | None
    ) -> None:
        """Write one sample's images (named as in `layout.FIELDS`) and a test sample's own mask."""
        self.update(self._count, images)
        if self._native is not None and native_gt is not None:
            self._native.create_dataset(
                native_gt_name(self._count),
                data=native_gt,
                chunks=native_gt.shape,
                fletcher32=True,
                **PACKED,
            )
        self._count += 1

    def update(self, index: int, images: Mapping[str, NDArray[Any]]) -> None:
        """Write images of a sample anew."""
        for name, values in images.items():
            self._images[name][index] = values
        self._file.check()

    def read(self, name: str, index: int) -> NDArray[Any]:
        """An image as it was written."""
        values: NDArray[Any] = self._images[name][index]
        return values

    def close(self, scalars: Mapping[str, Sequence[Any]]) -> None:
        """Give unused room back and write the scalars of all samples."""
        for dataset in self._images.values():
            dataset.resize(self._count, axis=0)
        for name, values in scalars.items():
            self._write_scalars(name, values)

    def _write_scalars(self, name: str, values: Sequence[Any]) -> None:
        field = FIELDS[name]
        if field.is_text:
            data = fixed_texts(values)
        else:
            data = np.array(values, field.dtype).reshape(self._count, *field.axes(0))
        checksum = {"chunks": data.shape, "fletcher32": True} if self._count else {}
        self._group.create_dataset(name, data=data, **checksum)
