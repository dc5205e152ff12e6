from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcrdf.checks.check import check_category
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import EMPTY, MARKED_GOOD, load_scan
from dcrdf.datasets.sample import Sample
from dcrdf.errors import UserError
from dcrdf.files.images import read_depth16, write_png

KINDS = ("bumps", "dents", "colors", "normals")
ROWS, COLUMNS = np.mgrid[:48, :64]


@pytest.fixture
def root(tmp_path: Path, make_layout: Callable[..., list[str]]) -> Path:
    make_layout(tmp_path, "eyecandies")
    return tmp_path


def listed(root: Path, **reader: Any) -> list[Sample]:
    return list_samples(root, "eyecandies", "GummyBear", reader)


def native_depth(sample: Sample) -> np.ndarray:
    """As the data set's page has it: v / 65535 (max - min) + min, here from 2 to 4 units."""
    assert sample.depth is not None
    return read_depth16(sample.depth) / 65535.0 * (4.0 - 2.0) + 2.0


def test_public_splits_are_listed_with_their_kinds(root: Path) -> None:
    private = root / "GummyBear" / "test_private" / "data"
    write_png(private / "000_image_4.png", np.zeros((48, 64, 3), np.uint8))
    samples = listed(root)
    assert Counter(f"{s.split}/{s.defect}" for s in samples) == {
        "train/good": 4, "validation/good": 2, "test/good": 2, "test/combined": 1,
        "test/dents": 1, "test/bad": 1,
    }  # fmt: skip
    by_kind = {s.defect: s for s in samples if s.split == "test"}
    assert by_kind["combined"].name == "02"  # two digits in this split, three in train
    assert samples[0].rgb.name == "000_image_4.png"
    assert by_kind["dents"].gt is not None
    assert by_kind["dents"].gt.name == "03_mask.png"
    assert samples[0].gt is None
    assert samples[0].normals == samples[0].rgb.with_name("000_normals.png")
    samples[0].normals.unlink()
    assert listed(root)[0].normals is None


@pytest.mark.parametrize("marked", [(kind,) for kind in KINDS] + [KINDS[:2], KINDS, ()])
def test_a_kind_is_that_of_the_only_mask_with_a_pixel(root: Path, marked: tuple[str, ...]) -> None:
    stem = root / "GummyBear" / "test_public" / "data" / "03"
    pixel = np.zeros((48, 64), np.uint8)
    pixel[0, 63] = 1
    for kind in KINDS:
        write_png(Path(f"{stem}_{kind}_mask.png"), pixel * np.uint8(kind in marked))
    (found,) = (s.defect for s in listed(root) if s.split == "test" and s.name == "03")
    assert found == (marked[0] if len(marked) == 1 else "combined" if marked else "bad")


def test_metadata_that_name_all_kinds_spare_the_masks(root: Path) -> None:
    stem = root / "GummyBear" / "test_public" / "data" / "03"
    metadata = Path(f"{stem}_metadata.yaml")
    metadata.write_text("anomalous: 1\nbumps: 1\ndents: 0\ncolors: 0\n")
    assert "dents" in {s.defect for s in listed(root)}
    metadata.write_text("anomalous: 1\nbumps: 1\ndents: 0\ncolors: 0\nnormals: 0\n")
    for kind in KINDS:
        Path(f"{stem}_{kind}_mask.png").unlink()
    assert {s.defect for s in listed(root)} == {"good", "combined", "bumps", "bad"}


@pytest.mark.parametrize("light", [0, 3, 4, 5])
def test_the_light_that_is_asked_for_is_read(root: Path, light: int) -> None:
    for sample in (listed(root, light=light)[0], listed(root, light=light)[-1]):
        assert (load_scan(sample).rgb[0, 0] == 40 * light).all()


@pytest.mark.parametrize("scale", [None, 0.1, 1.0])
def test_depth_is_stretched_back_and_scaled(root: Path, scale: float | None) -> None:
    sample = listed(root, **({} if scale is None else {"scale": scale}))[-1]
    assert sample.depth is not None
    steps = read_depth16(sample.depth).copy()
    steps[0, 0] = 0  # a distance as any other
    write_png(sample.depth, steps)
    z = native_depth(sample) * (scale or 0.1)
    expected = np.stack([z * (COLUMNS - 256) / 711.11, z * (ROWS - 256) / 711.11, z], axis=2)
    np.testing.assert_allclose(load_scan(sample).xyz, expected, rtol=1e-5)


def test_what_stands_beside_the_belt_is_cut(root: Path) -> None:
    """Beyond one unit to the left or right, before scaling."""
    sample = listed(root, cut=True)[0]
    assert sample.depth is not None
    steps = np.full((48, 64), 65535, np.uint16)  # 4 units away: the columns lie at -1.44 to -1.09
    steps[:, ::2] = 0  # 2 units away: at -0.72 to -0.54
    write_png(sample.depth, steps)
    x = np.where(COLUMNS % 2 == 0, 2.0, 4.0) * (COLUMNS - 256) / 711.11
    outside = np.abs(x) > 1.0
    assert outside.sum() == outside.size / 2
    xyz = load_scan(sample).xyz
    np.testing.assert_array_equal((xyz == 0).all(axis=2), outside)
    np.testing.assert_allclose(xyz[~outside, 0], 0.1 * x[~outside], rtol=1e-5)
    assert (load_scan(listed(root)[0]).xyz[:, :, 2] > 0).all()
    write_png(sample.depth, np.full((48, 64), 65535, np.uint16))
    with pytest.raises(UserError, match=r"000_depth\.png: all points are missing"):
        load_scan(sample)


def test_check_warns_where_mask_and_metadata_differ(root: Path) -> None:
    data = root / "GummyBear" / "test_public" / "data"
    write_png(data / "00_mask.png", np.eye(48, 64, dtype=np.uint8))
    report = check_category(root, "eyecandies", "GummyBear", PrepareOptions(image_size=64))
    found = {
        f.detail: f.file for f in report.findings if (f.severity, f.what) == ("warning", "masks")
    }
    assert found == {
        f"{EMPTY.detail}: 1 scans (GummyBear/test/bad/04)": data / "04_mask.png",
        f"{MARKED_GOOD.detail}: 1 scans (GummyBear/test/good/00)": data / "00_mask.png",
    }


@pytest.mark.parametrize(
    ("item", "content", "message"),
    [
        ("test_public/data/00_mask.png", None, "00_mask.png is missing beside this image"),
        ("test_public/data/03_dents_mask.png", None, "03_dents_mask.png is missing"),
        ("train/data/001_depth.png", None, "001_depth.png is missing"),
        ("val/data/00_info_depth.yaml", "normalization: {min: 3}", "min and max"),
        ("val/data/00_info_depth.yaml", "normalization: {min: 3, max: 3}", "min must be below"),
        ("val/data/00_info_depth.yaml", "[]", "a mapping"),
        ("test_public/data/00_metadata.yaml", "label: 1", "anomalous: 0 or 1"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    root: Path, item: str, content: str | None, message: str
) -> None:
    path = root / "GummyBear" / item
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=message):
        listed(root)


def test_a_missing_split_and_a_missing_light_are_named(root: Path) -> None:
    (root / "Lollipop").mkdir()
    with pytest.raises(UserError, match="Lollipop/train/data: no images"):
        list_samples(root, "eyecandies", "Lollipop")
    for path in (root / "GummyBear" / "val").rglob("*_image_2.png"):
        path.unlink()
    with pytest.raises(
        UserError, match=r"GummyBear/val/data: no images; expected 000_image_2\.png"
    ):
        listed(root, light=2)
