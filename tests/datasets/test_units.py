"""Sets whose unit nobody says: 3D-ADAM's export and PD-REAL."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcrdf.datasets.layouts import left_out, list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.errors import UserError
from dcrdf.files.images import read_xyz, write_png, write_xyz

Make = Callable[..., list[str]]
NAMES = {"mm": 1e-3, "m": 1.0, "0.1mm": 1e-4}


def refusal(root: Path, layout: str = "pdreal", **reader: Any) -> str:
    category = {"pdreal": "plaid", "adam3d": "part"}[layout]
    with pytest.raises(UserError) as caught:
        list_samples(root, layout, category, reader)
    return str(caught.value)


def points(root: Path, layout: str = "pdreal", category: str = "plaid", **reader: Any) -> Any:
    samples = list_samples(root, layout, category, reader)
    return samples, np.stack([load_scan(sample).xyz for sample in samples])


@pytest.fixture
def in_metres(tmp_path: Path, make_layout: Make) -> np.ndarray:
    """The points (samples, H, W, 3) of the set whose files are in metres."""
    make_layout(tmp_path / "m", "pdreal")
    return points(tmp_path / "m")[1]


@pytest.mark.parametrize(
    "written",
    [
        {"unit_m": 1e-3},
        {"unit_m": 1e-4},
        {"depth": True},
        {"depth": True, "names": {"depth": "z", "validation": "valid", "gt": "mask"}},
        {"unit_m": 1e-3, "names": {"validation": "val", "gt": "ground_truth", "good": "ok"}},
        {"names": {"rgb": "image", "xyz": "pointcloud", "good": "normal"}},
        {"names": {"rgb": "RGB", "xyz": "pc"}},
    ],
)
def test_pdreal_is_the_same_in_every_likely_form(
    tmp_path: Path, make_layout: Make, in_metres: np.ndarray, written: dict[str, Any]
) -> None:
    assert make_layout(tmp_path / "other", "pdreal", **written) == ["plaid", "radish"]
    samples, xyz = points(tmp_path / "other")
    assert Counter(f"{s.split}/{s.defect}" for s in samples) == {
        "train/good": 4, "validation/good": 2, "test/good": 2, "test/combine-S": 1, "test/dent": 1,
    }  # fmt: skip
    np.testing.assert_allclose(xyz, in_metres, atol=1e-4)
    np.testing.assert_array_equal(xyz == 0, in_metres == 0)
    assert (xyz[0, 20, 21:23] == 0).all()  # the strip that the sensor missed
    gt = load_scan(samples[-1]).gt
    assert gt is not None
    assert gt.any()


@pytest.mark.parametrize(
    ("layout", "median", "unit"),
    [
        ("pdreal", 0.05, "m"), ("pdreal", 1.0, "m"), ("pdreal", 50.0, "mm"),
        ("pdreal", 600.0, "mm"), ("pdreal", 700.0, "0.1mm"), ("pdreal", 6000.0, "0.1mm"),
        ("adam3d", 0.1, "m"), ("adam3d", 2.0, "m"), ("adam3d", 100.0, "mm"),
        ("adam3d", 2000.0, "mm"), ("adam3d", -600.0, "mm"),
    ],
)  # fmt: skip
def test_the_unit_is_that_of_the_first_training_scan(
    tmp_path: Path, make_layout: Make, layout: str, median: float, unit: str
) -> None:
    category = make_layout(tmp_path, layout)[0]
    place_at(median, tmp_path, layout)
    samples = list_samples(tmp_path, layout, category)
    assert {sample.xyz_unit_m for sample in samples} == {NAMES[unit]}
    assert list_samples(tmp_path, layout, category, {"unit": unit}) == samples


@pytest.mark.parametrize("median", [0.01, 3.0, 30.0, 650.0, 9000.0])
def test_a_distance_in_no_unit_is_refused_with_its_number(
    tmp_path: Path, make_layout: Make, median: float
) -> None:
    make_layout(tmp_path, "pdreal")
    place_at(median, tmp_path, "pdreal")
    message = refusal(tmp_path)
    assert f"xyz/001.tiff: the median distance is {median:.4g} in an unknown unit" in message
    assert "0.05 to 1 m, 50 to 600 mm, 700 to 6000 0.1mm; set dataset.reader.unit" in message
    for unit, unit_m in NAMES.items():  # the user knows better
        samples = list_samples(tmp_path, "pdreal", "plaid", {"unit": unit})
        assert {sample.xyz_unit_m for sample in samples} == {unit_m}


def place_at(median: float, root: Path, layout: str) -> None:
    """Have every scan's points lie at one distance, a third of them missing."""
    z = np.full((48, 64), median, np.float32)
    z[::3] = 0.0 if layout == "pdreal" else np.nan
    for path in root.rglob("*.tiff"):
        write_xyz(path, np.stack([z * 0, z * 0, z], axis=2))


@pytest.mark.parametrize(
    ("layout", "unit_m", "said", "meant"),
    [
        ("pdreal", 1e-3, "m", "mm"),
        ("pdreal", 1.0, "mm", "m"),
        ("pdreal", 1e-4, "mm", "0.1mm"),
        ("adam3d", 1e-3, "m", "mm"),
    ],
)
def test_another_unit_than_declared_is_refused_by_name(
    tmp_path: Path, make_layout: Make, layout: str, unit_m: float, said: str, meant: str
) -> None:
    make_layout(tmp_path, layout, unit_m=unit_m)
    assert f"{meant} given as {said}?" in refusal(tmp_path, layout, unit=said)


def test_a_scan_in_another_unit_than_the_first_is_refused(
    tmp_path: Path, make_layout: Make
) -> None:
    make_layout(tmp_path, "pdreal", unit_m=1e-3)
    sample = list_samples(tmp_path, "pdreal", "plaid")[1]
    assert sample.xyz is not None
    millimetres = read_xyz(sample.xyz)
    write_xyz(sample.xyz, millimetres * np.float32(1e-3))
    with pytest.raises(UserError, match=r"002\.tiff: .*metres given as millimetres\?"):
        load_scan(sample)
    write_xyz(sample.xyz, millimetres * np.float32(1e3))
    with pytest.raises(UserError, match=r"002\.tiff: .*read in units of 0\.001 m; see"):
        load_scan(sample)


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("0.1mm", "says depth_unit_m: 0.001, dataset.reader.unit: 0.1mm; correct one of them"),
        ("auto", "m, usual are 0.05 to 1 m; its camera file says depth_unit_m: 0.001: correct it"),
        ("mm", None),
    ],
)
def test_depth_images_have_the_unit_of_their_camera_file(
    tmp_path: Path, make_layout: Make, unit: str, message: str | None
) -> None:
    make_layout(tmp_path, "pdreal", depth=True)
    assert len(list_samples(tmp_path, "pdreal", "plaid", {"unit": "0.1mm"})) == 10
    camera = tmp_path / "camera.json"
    camera.write_text(camera.read_text().replace("0.0001", "0.001"))  # three metres away
    if message is None:
        assert len(list_samples(tmp_path, "pdreal", "plaid", {"unit": unit})) == 10
    else:
        assert message in refusal(tmp_path, unit=unit)


def test_pdreal_refuses_the_rest_by_name(tmp_path: Path, make_layout: Make) -> None:
    make_layout(tmp_path, "pdreal")
    category = tmp_path / "plaid"
    (category / "notes").mkdir()
    assert [x.path for x in left_out(tmp_path, "pdreal", "plaid")] == [category / "notes"]
    picture = category / "training" / "good" / "rgb" / "1.png"
    write_png(picture, np.zeros((4, 4, 3), np.uint8))
    assert "plaid/training: holds pictures (good/rgb/1.png) but is no split" in refusal(tmp_path)
    (category / "training" / "good").rename(category / "test" / "crack")
    (category / "test" / "crack" / "rgb").rename(category / "test" / "crack" / "colour")
    assert "test/crack: holds pictures (colour/1.png) but no folder" in refusal(tmp_path)
    (category / "test" / "crack").rename(category / ".crack")
    (category / "val").mkdir()
    assert "plaid/val: validation is there too; keep one of them" in refusal(tmp_path)
    (category / "val").rename(category / "test" / "dent" / "mask")
    assert "test/dent/mask: gt is there too; keep one of them" in refusal(tmp_path)
    (category / "test" / "dent" / "mask").rmdir()
    (category / "train" / "ok").mkdir()
    assert "train/ok: good is there too; keep one of them" in refusal(tmp_path)


def test_a_mask_that_is_missing_and_a_cloud_without_pixels_are_refused(
    tmp_path: Path, make_layout: Make
) -> None:
    make_layout(tmp_path, "pdreal")
    (mask,) = (tmp_path / "plaid" / "test" / "dent" / "gt").iterdir()
    mask.unlink()
    assert f"dent/rgb/{mask.name}: no gt mask belongs to this image" in refusal(tmp_path)
    for path in (tmp_path / "plaid").rglob("*.tiff"):
        path.rename(path.with_suffix(".PLY"))
    message = refusal(tmp_path)
    assert "test/combine-S/xyz: holds point clouds without pixels (.ply)" in message
    assert "organised xyz images (.tiff) or depth images are needed" in message


def test_adam3d_is_mvtec3d_by_other_names(tmp_path: Path, make_layout: Make) -> None:
    """Without validation, in millimetres, with NaN where nothing was measured; masks of training
    samples do not count, whatever they are."""
    make_layout(tmp_path / "m", "adam3d")
    make_layout(tmp_path / "mm", "adam3d", unit_m=1e-3)
    for path in (tmp_path / "mm").rglob("*.tiff"):
        xyz = read_xyz(path).copy()
        xyz[xyz[:, :, 2] == 0] = np.nan
        write_xyz(path, xyz)
    write_png(
        tmp_path / "mm" / "part" / "train" / "good" / "ground_truth" / "999.png",
        np.ones((4, 4), np.uint8),
    )
    samples, xyz = points(tmp_path / "mm", "adam3d", "part")
    plain, expected = points(tmp_path / "m", "adam3d", "part")
    assert [sample.identity for sample in samples] == [sample.identity for sample in plain]
    assert Counter(f"{s.split}/{s.defect}" for s in samples) == {
        "train/good": 5, "validation/good": 1, "test/good": 2, "test/combine-S": 1, "test/dent": 1,
    }  # fmt: skip
    np.testing.assert_allclose(xyz, expected, atol=1e-6)
    assert samples[-1].gt == next((tmp_path / "mm/part/test/dent/ground_truth").iterdir())
    (tmp_path / "mm/part/test/dent/ground_truth").rename(tmp_path / "mm/part/test/dent/gt")
    assert "test/dent/rgb/010.png: no gt mask belongs to this image; expected" in refusal(
        tmp_path / "mm", "adam3d"
    )
    (tmp_path / "mm" / "part" / "test" / "notes").mkdir()
    found = left_out(tmp_path / "mm", "adam3d", "part")
    assert [x.path for x in found] == [
        tmp_path / "mm" / "part" / "test" / "dent" / "gt",
        tmp_path / "mm" / "part" / "test" / "notes",
    ]


@pytest.mark.parametrize("layout", ["pdreal", "adam3d"])
@pytest.mark.parametrize("part", ["rgb", "xyz", "gt"])
def test_files_of_a_sample_that_differ_in_size_are_named(
    tmp_path: Path, make_layout: Make, layout: str, part: str
) -> None:
    category = make_layout(tmp_path, layout)[0]
    sample = list_samples(tmp_path, layout, category)[-1]
    assert sample.xyz is not None
    assert sample.gt is not None
    if part == "xyz":
        write_xyz(sample.xyz, np.full((24, 32, 3), 0.3, np.float32))
    else:
        shape = (24, 32, 3) if part == "rgb" else (24, 32)
        write_png(getattr(sample, part), np.zeros(shape, np.uint8))
    other = {"rgb": sample.xyz, "xyz": sample.xyz, "gt": sample.gt}[part]
    with pytest.raises(UserError) as caught:
        load_scan(sample)
    for named in (str(other), str(sample.rgb), "24 x 32", "48 x 64"):
        assert named in str(caught.value)
