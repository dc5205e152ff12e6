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
