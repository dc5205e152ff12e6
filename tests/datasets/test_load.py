from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import AT_CAMERA, EMPTY, MARKED_GOOD, clear_missing, load_scan
from dcrdf.datasets.sample import Camera, Sample
from dcrdf.errors import UserError
from dcrdf.files.images import write_png, write_xyz
from dcrdf.files.masks import SHADED
from dcrdf.files.orientation import TAG, TURNED
from dcrdf.files.remarks import Remark

Arrays = Callable[[int], dict[str, np.ndarray]]


@pytest.fixture
def sample(mvtec_root: Path) -> Sample:
    return list_samples(mvtec_root, "mvtec3d", "bagel")[-3]


def test_a_sample_is_read(sample: Sample, scan_arrays: Arrays) -> None:
    scan, arrays = load_scan(sample), scan_arrays(30)
    np.testing.assert_array_equal(scan.rgb, arrays["rgb"])
    np.testing.assert_array_equal(scan.xyz, arrays["xyz"])
    assert scan.gt is not None
    np.testing.assert_array_equal(scan.gt, arrays["gt"] > 0)


def test_missing_points_become_zero(sample: Sample, scan_arrays: Arrays) -> None:
    xyz = scan_arrays(30)["xyz"].copy()
    xyz[0, 0] = np.nan
    xyz[1, 1, 2] = np.inf
    xyz[2, 2, 0] = -np.inf
    xyz[3, 3] = (np.inf, -np.inf, 0.5)
    xyz[4, 4] = 0
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    scan = load_scan(sample)
    missing = np.argwhere((scan.xyz == 0).all(axis=2))
    np.testing.assert_array_equal(missing, [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]])
    assert np.isfinite(scan.xyz).all()


def test_clear_missing_leaves_its_input_alone() -> None:
    xyz = np.full((2, 2, 3), 0.5, np.float32)
    xyz[0, 0] = np.nan
    cleared, far_points = clear_missing(xyz, "x", "hint")
    assert (cleared[0, 0] == 0).all()
    assert far_points == 0
    assert np.isnan(xyz[0, 0]).all()


LARGEST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize("value", [65.535, -65.535, 1e6, LARGEST, -LARGEST])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_numbers_for_no_measurement_become_zero_and_are_counted(
    sample: Sample, scan_arrays: Arrays, value: float, axis: int
) -> None:
    xyz = scan_arrays(30)["xyz"].copy()
    xyz[2:5, 3:9, axis] = value
    xyz[8, 8] = np.nan
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    scan = load_scan(sample)
    expected = scan_arrays(30)["xyz"].copy()
    expected[2:5, 3:9] = 0
    expected[8, 8] = 0
    np.testing.assert_array_equal(scan.xyz, expected)
    assert scan.far_points == 18


def test_fifty_metres_are_plausible(sample: Sample, scan_arrays: Arrays) -> None:
    xyz = scan_arrays(30)["xyz"].copy()
    xyz[2:5, 3:9] = (50.0, -50.0, 50.0)
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    scan = load_scan(sample)
    np.testing.assert_array_equal(scan.xyz, xyz)
    assert scan.far_points == 0


def test_points_that_are_all_missing_or_too_far_are_refused(sample: Sample) -> None:
    xyz = np.zeros((24, 32, 3), np.float32)
    xyz[:12, :, 2], xyz[12:, :, 2] = LARGEST, -LARGEST
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    with pytest.raises(UserError, match=r"xyz/000\.tiff: all points are missing"):
        load_scan(sample)
    write_xyz(sample.xyz, np.abs(xyz))
    with pytest.raises(UserError, match=r"xyz/000\.tiff: the median distance is 3\.403e\+38 m"):
        load_scan(sample)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_scan_without_points_is_refused(sample: Sample, value: float) -> None:
    assert sample.xyz is not None
    write_xyz(sample.xyz, np.full((24, 32, 3), value, np.float32))
    with pytest.raises(UserError, match=r"xyz/000\.tiff: all points are missing"):
        load_scan(sample)


def test_millimetres_as_metres_are_refused(sample: Sample, scan_arrays: Arrays) -> None:
    assert sample.xyz is not None
    write_xyz(sample.xyz, scan_arrays(30)["xyz"] * np.float32(1000))
    with pytest.raises(UserError, match=r"000\.tiff: .*millimetres given as metres\? multiply"):
        load_scan(sample)


def test_a_few_points_are_enough(sample: Sample) -> None:
    xyz = np.zeros((24, 32, 3), np.float32)
    xyz[5, 7] = (0.1, 0.2, 0.5)
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    np.testing.assert_array_equal(load_scan(sample).xyz, xyz)
    write_xyz(sample.xyz, xyz * np.float32(1000))
    with pytest.raises(UserError, match="the median distance is 500 m"):
        load_scan(sample)


def test_sizes_that_differ_are_refused(sample: Sample) -> None:
    assert sample.gt is not None
    write_png(sample.gt, np.zeros((24, 31), np.uint8))
    with pytest.raises(UserError, match=r"gt/000\.png: 24 x 31 pixels, but .* has 24 x 32"):
        load_scan(sample)
    write_png(sample.rgb, np.zeros((12, 32, 3), np.uint8))
    with pytest.raises(UserError, match=r"xyz/000\.tiff: 24 x 32 pixels, but .* has 12 x 32"):
        load_scan(sample)


def test_damaged_files_are_named(sample: Sample) -> None:
    assert sample.xyz is not None
    for path in (sample.xyz, sample.rgb):
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(UserError, match=f"{path.name}: (truncated|damaged)"):
            load_scan(sample)


def test_depth_images_give_the_same_points(
    sample: Sample, scan_arrays: Arrays, tmp_path: Path
) -> None:
    depth = tmp_path / "depth.png"
    write_png(depth, scan_arrays(30)["depth"])
    camera = Camera(500.0, 500.0, 16.0, 12.0, 0.001)
    scan = load_scan(replace(sample, xyz=None, depth=depth, camera=camera))
    np.testing.assert_allclose(scan.xyz, scan_arrays(30)["xyz"], atol=0.0006)
    wrong = replace(camera, depth_unit_m=1.0)
    with pytest.raises(UserError, match=r"depth\.png: .*set depth_unit_m"):
        load_scan(replace(sample, xyz=None, depth=depth, camera=wrong))
    with pytest.raises(UserError, match="neither xyz nor depth"):
        load_scan(replace(sample, xyz=None))


def test_files_of_other_programs(sample: Sample, scan_arrays: Arrays) -> None:
    assert sample.xyz is not None
    xyz = scan_arrays(30)["xyz"]
    tifffile.imwrite(sample.xyz, xyz, photometric="rgb", compression="lzw")
    np.testing.assert_array_equal(load_scan(sample).xyz, xyz)


def test_normals_are_read_and_measured_up(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no normals belong to it; .*fitted"):
        load_scan(sample, with_normals=True)
    normals = np.random.default_rng(0).integers(0, 256, load_scan(sample).rgb.shape)
    path = tmp_path / "normals.png"
    write_png(path, normals.astype(np.uint8))
    found = load_scan(replace(sample, normals=path), with_normals=True).normals
    np.testing.assert_array_equal(found, normals)
    write_png(path, normals[:-1].astype(np.uint8))
    with pytest.raises(UserError, match=r"normals.png: .* must have one size"):
        load_scan(replace(sample, normals=path), with_normals=True)
    assert load_scan(replace(sample, normals=path)).normals is None


def test_points_at_the_camera_are_missing_ones_and_remarked(
    sample: Sample, scan_arrays: Arrays
) -> None:
    """As a reprojection makes them of a depth of 0: x and y of the pixel grid, z = 0."""
    xyz = scan_arrays(30)["xyz"].copy()
    xyz[2, 3:7, 2] = 0.0
    xyz[5, 5] = (0.1, 0.0, 0.0)
    xyz[6, 6] = (0.0, -0.1, -0.0)
    xyz[7, 7] = (np.nan, 0.1, 0.0)
    xyz[8, 8] = 0.0
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    scan = load_scan(sample)
    missing = (scan.xyz == 0).all(axis=2)
    assert missing.sum() == 4 + 4
    np.testing.assert_array_equal(missing, (xyz[..., 2] == 0) | np.isnan(xyz[..., 0]))
    assert scan.remarks == (AT_CAMERA,)
    assert scan.far_points == 0


def test_missing_points_are_no_remark(sample: Sample, scan_arrays: Arrays) -> None:
    remarks: list[Remark] = []
    xyz = scan_arrays(30)["xyz"].copy()
    xyz[0, 0], xyz[1, 1], xyz[2, 2] = 0.0, np.nan, (0.1, np.inf, 0.0)
    clear_missing(xyz, "x", "hint", remarks)
    assert remarks == []
    assert load_scan(sample).remarks == ()


def test_a_scan_of_nothing_but_points_at_the_camera(sample: Sample, scan_arrays: Arrays) -> None:
    xyz = scan_arrays(30)["xyz"] * np.float32([1, 1, 0])
    assert sample.xyz is not None
    write_xyz(sample.xyz, xyz)
    with pytest.raises(UserError, match="all points are missing"):
        load_scan(sample)


def test_a_turned_image_is_turned_and_its_size_explained(
    sample: Sample, scan_arrays: Arrays
) -> None:
    """A photo taken on end is stored lying; the points are stored as they are."""
    rgb = scan_arrays(30)["rgb"]
    exif = Image.Exif()
    exif[TAG] = 6
    Image.fromarray(rgb).save(sample.rgb, exif=exif)
    with pytest.raises(UserError, match=r"24 x 32 pixels, but .*\.png has 32 x 24 \(turned as an"):
        load_scan(sample)
    Image.fromarray(np.rot90(rgb).copy()).save(sample.rgb, exif=exif)
    scan = load_scan(sample)
    np.testing.assert_array_equal(scan.rgb, rgb)
    assert scan.remarks == (TURNED,)


def test_masks_that_are_odd_are_remarked(sample: Sample, scan_arrays: Arrays) -> None:
    assert sample.gt is not None
    soft = np.zeros((24, 32), np.uint8)
    soft[4:9, 4:9] = [30, 200, 255, 200, 30]
    write_png(sample.gt, soft)
    assert load_scan(sample).remarks == (SHADED,)
    assert load_scan(replace(sample, defect="good")).remarks == (SHADED, MARKED_GOOD)
    write_png(sample.gt, np.zeros((24, 32), np.uint8))
    assert load_scan(sample).remarks == (EMPTY,)
    assert load_scan(replace(sample, defect="good")).remarks == ()


def test_a_point_in_the_camera_itself_was_not_measured() -> None:
    """x and y are there, z = 0; beside other markers, and not where z = 0 is a height."""
    v, u = np.mgrid[:20, :20]
    xyz = np.stack([u * 1e-3, v * 1e-3, np.full(u.shape, 0.4)], axis=2).astype(np.float32)
    xyz[3:6, 4:9, 2] = 0
    xyz[10, 10] = np.nan
    cleared, far_points = clear_missing(xyz, "x", "hint")
    assert not cleared[3:6, 4:9].any()
    assert not cleared[10, 10].any()
    assert np.count_nonzero(cleared.any(axis=2)) == 400 - 15 - 1
    assert far_points == 0
    table = xyz.copy()
    table[10, 10] = 0
    table[..., 2] = np.random.default_rng(0).normal(0, 1e-3, u.shape)
    table[3:6, 4:9, 2] = 0
    kept, _ = clear_missing(table, "x", "hint")
    np.testing.assert_array_equal(kept, table)
