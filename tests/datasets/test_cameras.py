import json
from pathlib import Path

import numpy as np
import pytest

from dcrdf.datasets.cameras import points_from_depth, read_camera
from dcrdf.datasets.sample import Camera
from dcrdf.errors import UserError

GOOD = "fx: 600\nfy: 601.5\ncx: 3\ncy: 2\ndepth_unit_m: 0.0005\n"


def test_a_camera_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "camera.yaml").write_text(GOOD)
    assert read_camera(tmp_path / "camera.yaml") == Camera(600.0, 601.5, 3.0, 2.0, 0.0005)
    (tmp_path / "camera.yaml").write_text(GOOD + "depth_offset_m: 0.2\nmissing_value: 65535\n")
    assert read_camera(tmp_path / "camera.yaml").missing_value == 65535


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("fx: 600\n", ""), "fx is missing"),
        (GOOD + "focal: 3\n", "unknown key 'focal'; allowed: fx, fy"),
        (GOOD.replace("600", "0"), "fx: must be above 0"),
        (GOOD.replace("600", "far"), "fx: a number is expected, not 'far'"),
        (GOOD.replace("600", ".inf"), "fx: a number is expected"),
        (GOOD.replace("600", "1" + "0" * 400), "fx: a number is expected"),
        (GOOD.replace("600", "true"), "fx: a number is expected"),
        (GOOD + "missing_value: 0.5", "missing_value: a whole number"),
        ("- 1\n", "a mapping of keys"),
        ("fx: [1", "not valid YAML"),
        ("fx: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("x" * 100_000, "too large"),
    ],
)
def test_bad_camera_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"camera\.yaml: ") as caught:
        read_camera(path)
    assert message in str(caught.value)


def test_back_projection_equals_the_pinhole_model_point_by_point() -> None:
    camera = Camera(600.0, 500.0, 3.0, 2.5, 0.001, depth_offset_m=0.1)
    depth = np.random.default_rng(0).integers(1, 2000, (5, 7)).astype(np.uint16)
    depth[2, 3] = 0
    points = points_from_depth(depth, camera)
    assert points.dtype == np.float32
    for row in range(5):
        for column in range(7):
            z = depth[row, column] * 0.001 + 0.1
            expected = ((column - 3.0) * z / 600.0, (row - 2.5) * z / 500.0, z)
            if (row, column) == (2, 3):
                expected = (0.0, 0.0, 0.0)
            np.testing.assert_allclose(points[row, column], expected, rtol=1e-5)


def test_without_missing_value_every_point_is_there() -> None:
    camera = Camera(1.0, 1.0, 0.0, 0.0, 0.001, depth_offset_m=0.5, missing_value=None)
    assert (points_from_depth(np.zeros((2, 2), np.uint16), camera)[:, :, 2] == 0.5).all()


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """JSON and YAML both would take the last."""
    for name, text in (
        ("camera.json", '{"fx": 600, "fx": 60, "fy": 600, "cx": 3, "cy": 2, "depth_unit_m": 1e-3}'),
        ("camera.yaml", GOOD + "fx: 60\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=f"{name}: .*the key 'fx' is there twice"):
            read_camera(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cx": 254.0}, r"cx: 254 lies outside the image of 128 x 96 px"),
        ({"cy": -1.0}, r"cy: -1 lies outside the image"),
        ({"fx": 5.0}, r"fx: 5 px means a view of 171 degrees over 128 px"),
        ({"fy": 0.9}, r"fy: 0\.9 px means a view of 178 degrees over 96 px"),
    ],
)
def test_a_camera_of_other_images_is_refused_by_file_and_key(
    tmp_path: Path, changes: dict[str, float], message: str
) -> None:
    values = {"fx": 100.0, "fy": 100.0, "cx": 63.5, "cy": 47.5, "depth_unit_m": 0.001} | changes
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(values))
    depth = np.full((96, 128), 400, np.uint16)
    with pytest.raises(UserError, match=r"camera\.json: " + message):
        points_from_depth(depth, read_camera(path))
    path.write_text(json.dumps(values | {"crop": True}))
    if "cx" in changes or "cy" in changes:
        assert points_from_depth(depth, read_camera(path))[..., 2].all()
    else:
        with pytest.raises(UserError, match=message):
            points_from_depth(depth, read_camera(path))


@pytest.mark.parametrize("edge", [{"cx": -0.5}, {"cx": 127.5}, {"fx": 24.0}])
def test_cameras_at_the_limits_are_taken(tmp_path: Path, edge: dict[str, float]) -> None:
    values = {"fx": 100.0, "fy": 100.0, "cx": 63.5, "cy": 47.5, "depth_unit_m": 0.001} | edge
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(values))
    depth = np.full((96, 128), 400, np.uint16)
    assert points_from_depth(depth, read_camera(path)).all(axis=2).any()


def test_a_distance_along_the_ray_becomes_one_along_the_axis(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text("fx: 80\nfy: 90\ncx: 3\ncy: 2\ndepth_unit_m: 0.001\ndepth_along: ray\n")
    distance = np.random.default_rng(0).integers(300, 900, (6, 8)).astype(np.uint16)
    points = points_from_depth(distance, read_camera(path))
    np.testing.assert_allclose(np.linalg.norm(points, axis=2), distance * 1e-3, rtol=1e-6)
    v, u = np.mgrid[:6, :8]
    np.testing.assert_allclose(points[..., 0] / points[..., 2], (u - 3) / 80, atol=1e-6)
    np.testing.assert_allclose(points[..., 1] / points[..., 2], (v - 2) / 90, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("depth_along: disparity", "depth_along: axis or ray is expected, not 'disparity'"),
        ("depth_along: 1", "depth_along: axis or ray"),
        ("crop: 1", "crop: true or false"),
    ],
)
def test_other_words_in_camera_files_are_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(f"{GOOD}{line}\n")
    with pytest.raises(UserError, match=message):
        read_camera(path)
