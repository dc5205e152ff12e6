from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    """float32 (60, 50, 3): a smooth surface with noise and missing points of every kind."""
    rng = np.random.default_rng(1)
    points = np.cumsum(rng.normal(0, 1e-3, (60, 50, 3)), axis=0).astype(np.float32)
    points[5, 5] = 0
    points[6, 6] = np.nan
    points[7, 7] = np.inf
    return points


COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "strips": {"rowsperstrip": 7},
    "lzw": {"compression": "lzw", "rowsperstrip": 9},
    "lzw, predictor 3": {"compression": "lzw", "predictor": 3},
    "deflate": {"compression": "zlib"},
    "deflate, predictor 2": {"compression": "zlib", "predictor": 2},
    "deflate, predictor 3": {"compression": "zlib", "predictor": 3, "rowsperstrip": 10},
    "packbits": {"compression": "packbits"},
    "tiles": {"compression": "zlib", "tile": (32, 32)},
    "planes": {"planarconfig": "separate", "rowsperstrip": 11},
    "big-endian": {"byteorder": ">"},
    "bigtiff": {"bigtiff": True},
}


@pytest.fixture(params=COMPRESSIONS)
def compression(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def write_tiff() -> Callable[[Path, np.ndarray, str], None]:
    """Write float32 points in one of the ways that other programs do."""

    def write(path: Path, points: np.ndarray, compression: str) -> None:
        options = dict(COMPRESSIONS[compression])
        byteorder, bigtiff = options.pop("byteorder", "<"), options.pop("bigtiff", False)
        pixels = points.transpose(2, 0, 1) if "planarconfig" in options else points
        as_integers = options.get("predictor") == 2
        with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as file:
            file.write(
                np.ascontiguousarray(pixels).view(np.int32) if as_integers else pixels,
                photometric="rgb",
                metadata=None,
                **options,
            )
        if as_integers:  # the writer knows predictor 2 for integers only; other programs do not
            with tifffile.TiffFile(path, mode="r+b") as file:
                file.pages[0].tags["SampleFormat"].overwrite((3, 3, 3))

    return write
