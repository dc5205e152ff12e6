"""Maps and masks at each image's own size, as the official protocol wants them, and without the
bars of a letterbox."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing_folder
from dcrdf.preparation.resize import place, to_native
from dcrdf.preparation.store import PreparedSplit
from dcrdf.results.maps import MapsFile


def native_maps(
    maps: Sequence[NDArray[Any]], sizes: NDArray[np.int32], prepare: PrepareOptions
) -> list[NDArray[np.float32]]:
    """Maps (S, S) brought to their images' sizes (height, width), float32."""
    return [
        to_native(
            one.astype(np.float32),
            (int(height), int(width)),
            prepare.resize,
            prepare.pad_multiple,
        )
        for one, (height, width) in zip(maps, sizes, strict=True)
    ]


def without_bars(
    images: Sequence[NDArray[Any]], sizes: NDArray[np.int32], prepare: PrepareOptions
) -> list[NDArray[Any]]:
    """Images (S, S) without the bars of a letterbox, which show nothing that was scanned."""
    return [
        one[place((int(height), int(width)), len(one), prepare.resize, prepare.pad_multiple).inside]
        for one, (height, width) in zip(images, sizes, strict=True)
    ]


def native_masks(test: PreparedSplit) -> list[NDArray[np.bool_]]:
    """The ground truth as it was drawn."""
    return [test.native_gt(row) for row in range(len(test))]


def write_submission(
    folder: Path, category: str, maps: MapsFile, test: PreparedSplit, prepare: PrepareOptions
) -> None:
    """Write the fused maps as the official kit reads them: CATEGORY/test/DEFECT/NAME.tiff.

    Raises `UserError` for a name that is no plain file name.
    """
    native = native_maps(maps.maps("fused"), test.native_size, prepare)  # type: ignore[arg-type]
    with replacing_folder(folder, overwrite=True) as aside:
        for one, defect, name in zip(native, test.defect, test.name, strict=True):
            place = aside / category / "test" / defect
            if Path(name).name != name or Path(defect).name != defect:
                raise UserError(f"{folder}: {defect}/{name} is no plain file name")
            place.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(place / f"{name}.tiff", one)
