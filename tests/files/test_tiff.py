from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dcrdf.errors import UserError
from dcrdf.files.tiff import read_tiff, write_float_tiff

Writer = Callable[[Path, np.ndarray, str], None]


def test_every_compression_is_read_exactly(
    tmp_path: Path, points: np.ndarray, compression: str, write_tiff: Writer
) -> None:
    write_tiff(tmp_path / "a.tiff", points, compression)
    pixels, _ = read_tiff(tmp_path / "a.tiff")
    assert pixels.dtype.itemsize == 4
    np.testing.assert_array_equal(pixels, points)


def test_every_truncation_is_noticed(
    tmp_path: Path, points: np.ndarray, compression: str, write_tiff: Writer
) -> None:
    path = tmp_path / "a.tiff"
    write_tiff(path, points, compression)
    content = path.read_bytes()
    lengths = [*range(8, 400, 40), *range(400, len(content), 2_500), len(content) - 1]
    for length in lengths:
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"a\.tiff: (truncated|damaged)"):
            read_tiff(path)


def test_own_files_are_read_back_and_equal_in_every_byte(
    tmp_path: Path, points: np.ndarray
) -> None:
    for name in ("a.tiff", "b.tiff"):
        write_float_tiff(tmp_path / name, points)
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tiff")[0], points)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tiff"), points)
    assert (tmp_path / "a.tiff").read_bytes() == (tmp_path / "b.tiff").read_bytes()


def overwrite_tag(path: Path, name: str, value: object) -> None:
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[name].overwrite(value)


@pytest.mark.parametrize(
    ("tag", "value"),
    [("ImageWidth", 2_000_000), ("ImageLength", 4_000_000_000), ("SamplesPerPixel", 60_000)],
)
@pytest.mark.parametrize("compression", ["none", "deflate", "tiles"], indirect=True)
def test_absurd_declared_sizes_are_refused(
    tmp_path: Path, points: np.ndarray, compression: str, write_tiff: Writer, tag: str, value: int
) -> None:
    path = tmp_path / "a.tiff"
    write_tiff(path, points, compression)
    overwrite_tag(path, tag, value)
    with pytest.raises(UserError, match=r"a\.tiff: "):
        read_tiff(path)


def test_absurd_tiles_are_refused(tmp_path: Path, points: np.ndarray, write_tiff: Writer) -> None:
    path = tmp_path / "a.tiff"
    write_tiff(path, points, "tiles")
    overwrite_tag(path, "TileWidth", 65_520)
    overwrite_tag(path, "TileLength", 65_520)
    with pytest.raises(UserError, match=r"a\.tiff: "):
        read_tiff(path)


def test_a_missing_strip_is_refused(tmp_path: Path, points: np.ndarray, write_tiff: Writer) -> None:
    path = tmp_path / "a.tiff"
    write_tiff(path, points, "lzw")
    with tifffile.TiffFile(path) as file:
        sizes = list(file.pages[0].databytecounts)
    overwrite_tag(path, "StripByteCounts", [*sizes[:-1], 0])
    with pytest.raises(UserError, match="a strip is missing"):
        read_tiff(path)


def test_a_stack_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tiff", np.zeros((4, 32, 32), np.float32), volumetric=True,
                     photometric="minisblack",
                     tile=(4, 16, 16))  # fmt: skip
    with pytest.raises(UserError, match=r"a\.tiff: "):
        read_tiff(tmp_path / "a.tiff")


def read_or_error(path: Path) -> np.ndarray | str:
    try:
        return read_tiff(path)[0]
    except UserError as error:
        return str(error)


def test_damage_is_an_error_or_an_image_but_never_a_crash(
    tmp_path: Path, points: np.ndarray, compression: str, write_tiff: Writer
) -> None:
    rng = np.random.default_rng(3)
    path = tmp_path / "a.tiff"
    write_tiff(path, points, compression)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(60):
        damaged = content.copy()
        where = rng.integers(0, min(len(damaged), 400) if rng.random() < 0.7 else len(damaged), 3)
        damaged[where] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        result = read_or_error(path)
        is_error = isinstance(result, str)
        assert "a.tiff: " in result if is_error else result.ndim in (2, 3)
