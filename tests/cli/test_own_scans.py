"""Which files `predict` takes together, as training does."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dcrdf.cli.own_scans import OwnScans, distinct
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.errors import UserError
from dcrdf.files.images import write_png, write_xyz
from dcrdf.files.orientation import TAG, TURNED

CAMERA = {"fx": 80.0, "fy": 80.0, "cx": 31.5, "cy": 23.5, "depth_unit_m": 1e-4}
READ = OwnScans(None, None, None)


def test_two_scans_of_one_name_are_both_named():
    with pytest.raises(UserError, match=r"b/1\.png: a/1\.png has the same name"):
        distinct([Path("a/1.png"), Path("a/2.png"), Path("b/1.png")])


def test_a_file_given_twice_counts_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    files = [Path("a/1.png"), tmp_path / "a/1.png", Path("a/../a/1.png"), Path("2.png")]
    assert distinct(files) == [files[0], files[3]]


def test_a_folder_of_geometry_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"--geometry: .*/nope: no such folder"):
        OwnScans(tmp_path / "nope", None, None)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--geometry: .*/file: a file, not a folder"):
        OwnScans(tmp_path / "file", None, None)


@pytest.fixture
def own(tmp_path: Path, make_layout: Callable[..., object]) -> Path:
    """Own scans with points; `part/good/rgb/001.png` and so on."""
    make_layout(tmp_path, "folder")
    return tmp_path / "part" / "good"


def as_depth(own: Path, suffix: str) -> None:
    """The same with 16-bit depth images, the camera beside the categories."""
    (own.parents[1] / "camera.json").write_text(json.dumps(CAMERA))
    for folder in own.parent.iterdir():
        (folder / "depth").mkdir()
        for path in sorted((folder / "xyz").iterdir()):
            steps = np.rint(tifffile.imread(path)[..., 2] / 1e-4).astype(np.uint16)
            out = folder / "depth" / f"{path.stem}{suffix}"
            if suffix.lower() == ".png":
                write_png(out, steps)
            else:
                tifffile.imwrite(out, steps)
            path.unlink()
        (folder / "xyz").rmdir()


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [(kind, suffix) for kind in ("xyz", "depth") for suffix in (".tif", ".tiff", ".TIFF", ".Tiff")]
    + [("depth", suffix) for suffix in (".png", ".PNG", ".Png")],
)
def test_what_is_trained_on_is_read_alike(own: Path, suffix: str, kind: str) -> None:
    """In every spelling of every format, wherever a data set may have its camera."""
    if kind == "depth":
        as_depth(own, suffix)
    for path in own.glob("xyz/*"):
        path.rename(path.with_suffix(suffix))
    for sample in list_samples(own.parents[1], "folder", "part"):
        rgb, xyz, told = READ.read(sample.rgb)
        scan = load_scan(sample)
        np.testing.assert_array_equal(rgb, scan.rgb)
        np.testing.assert_array_equal(xyz, scan.xyz)
        assert told == []
        geometry = sample.xyz or sample.depth
        assert geometry in READ.files_of(sample.rgb)
        alone = OwnScans(None, None, "rgb").read(geometry)
        assert alone[0] is None
        np.testing.assert_array_equal(alone[1], scan.xyz)


def test_depth_tiffs_in_a_folder_that_is_named(own: Path, tmp_path: Path) -> None:
    from dcrdf.datasets.cameras import read_camera

    as_depth(own, ".tiff")
    camera = read_camera(tmp_path / "camera.json")
    (tmp_path / "camera.json").rename(tmp_path / "elsewhere.json")
    image = own / "rgb" / "001.png"
    found = OwnScans(own / "depth", camera, None).read(image)
    assert (found[1][..., 2] > 0).any()
    with pytest.raises(UserError, match=r"needs a camera; give --camera FILE"):
        READ.read(image)


def test_points_before_depth_which_is_said(own: Path) -> None:
    image = own / "rgb" / "001.png"
    write_png(own / "depth" / "001.png", np.full((48, 64), 3000, np.uint16))
    _, xyz, told = READ.read(image)
    np.testing.assert_array_equal(xyz, tifffile.imread(own / "xyz" / "001.tiff"))
    assert told == [f"{own / 'xyz' / '001.tiff'} is read, {own / 'depth' / '001.png'} is not"]


@pytest.mark.parametrize("suffix", [".npy", ".exr", ".pgm", ".ply"])
def test_geometry_in_another_format_is_there_but_not_read(own: Path, suffix: str) -> None:
    (own / "xyz" / "001.tiff").rename(own / "xyz" / f"001{suffix}")
    with pytest.raises(UserError) as caught:
        READ.read(own / "rgb" / "001.png")
    assert "no xyz TIFF or 16-bit depth image named 001 is beside it" in str(caught.value)
    assert f"{own / 'xyz' / f'001{suffix}'} is there, in a format that is not" in str(caught.value)


def test_what_is_no_colour_image_is_said(own: Path) -> None:
    with pytest.raises(UserError, match=r"001\.tiff: points, not 8-bit colour"):
        READ.read(own / "xyz" / "001.tiff")
    write_png(own / "depth" / "001.png", np.full((48, 64), 3000, np.uint16))
    with pytest.raises(UserError, match=r"001\.png: 16-bit grey, perhaps depth, not 8-bit colour"):
        READ.read(own / "depth" / "001.png")
    with pytest.raises(UserError, match=r"001\.png: with --without rgb give xyz TIFFs"):
        OwnScans(None, None, "rgb").read(own / "rgb" / "001.png")


def test_a_preview_in_place_of_depth_is_named(own: Path) -> None:
    for path in (own / "xyz").iterdir():
        path.unlink()
    (own.parents[1] / "camera.json").write_text(json.dumps(CAMERA))
    write_png(own / "depth" / "001.png", np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(UserError, match=r"uint8 with 3 channels; 16-bit grey depth is expected"):
        READ.read(own / "rgb" / "001.png")


@pytest.mark.parametrize("without", [None, "depth"])
def test_a_turned_image_is_turned_and_it_is_said(own: Path, without: str | None) -> None:
    image = own / "rgb" / "001.png"
    stored = np.asarray(Image.open(image))
    exif = Image.Exif()
    exif[TAG] = 3
    Image.fromarray(stored[::-1, ::-1].copy()).save(image, exif=exif)
    rgb, _, told = OwnScans(None, None, without).read(image)
    np.testing.assert_array_equal(rgb, stored)
    assert told == [TURNED.detail]


def test_points_that_were_put_right_are_told(own: Path) -> None:
    path = own / "xyz" / "001.tiff"
    xyz = tifffile.imread(path).copy()
    xyz[0, :3, 2], xyz[1, 1, 2] = 0.0, 65.535
    write_xyz(path, xyz)
    for scans, file in ((READ, own / "rgb" / "001.png"), (OwnScans(None, None, "rgb"), path)):
        told = scans.read(file)[2]
        assert told[0] == "1 points implausibly far away taken as missing"
        assert "z = 0" in told[1]
