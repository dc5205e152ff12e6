from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.errors import UserError
from dcrdf.files.images import write_png

Arrays = Callable[[int], dict[str, np.ndarray]]


@pytest.fixture
def root(tmp_path: Path, scan_arrays: Arrays) -> Path:
    for folder, count in (("train", 3), ("val", 2), ("test_public", 2), ("test_private", 2)):
        for number in range(count):
            arrays = scan_arrays(number)
            stem = tmp_path / "GummyBear" / folder / "data" / f"{number:03d}"
            for light in range(6):
                write_png(Path(f"{stem}_image_{light}.png"), arrays["rgb"])
            write_png(Path(f"{stem}_depth.png"), arrays["depth"])
            Path(f"{stem}_info_depth.yaml").write_text("normalization: {min: 2.0, max: 8.5535}\n")
            if folder == "test_public":
                write_png(Path(f"{stem}_mask.png"), arrays["gt"] * (number % 2))
                Path(f"{stem}_metadata.yaml").write_text(f"anomalous: {number % 2}\nbumps: 0\n")
    return tmp_path


def test_public_splits_are_listed(root: Path) -> None:
    samples = list_samples(root, "eyecandies", "GummyBear")
    assert Counter(f"{s.split}/{s.defect}" for s in samples) == {
        "train/good": 3, "validation/good": 2, "test/good": 1, "test/bad": 1,
    }  # fmt: skip
    assert samples[-1].name == "001"
    assert samples[-1].rgb.name == "001_image_4.png"


def test_depth_is_stretched_back_and_zero_is_a_distance(root: Path, scan_arrays: Arrays) -> None:
    depth = scan_arrays(1)["depth"].copy()
    depth[0, 0] = 0
    sample = list_samples(root, "eyecandies", "GummyBear")[-1]
    assert sample.depth is not None
    write_png(sample.depth, depth)
    scan = load_scan(sample)
    np.testing.assert_allclose(scan.xyz[:, :, 2], depth * 1e-4 + 2.0, rtol=1e-6)
    column = 5
    np.testing.assert_allclose(
        scan.xyz[:, column, 0], scan.xyz[:, column, 2] * (column - 256) / 711.11, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("item", "content", "message"),
    [
        ("test_public/data/000_mask.png", None, "000_mask.png is missing beside this image"),
        ("train/data/001_depth.png", None, "001_depth.png is missing"),
        ("val/data/000_info_depth.yaml", "normalization: {min: 3}", "min and max"),
        ("val/data/000_info_depth.yaml", "normalization: {min: 3, max: 3}", "min must be below"),
        ("val/data/000_info_depth.yaml", "[]", "a mapping"),
        ("test_public/data/000_metadata.yaml", "label: 1", "anomalous: 0 or 1"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    root: Path, item: str, content: str | None, message: str
) -> None:
    path = root / "GummyBear" / item
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=message):
        list_samples(root, "eyecandies", "GummyBear")


def test_a_missing_split_is_named(root: Path) -> None:
    (root / "Lollipop").mkdir()
    with pytest.raises(UserError, match="Lollipop/train/data: no images"):
        list_samples(root, "eyecandies", "Lollipop")
