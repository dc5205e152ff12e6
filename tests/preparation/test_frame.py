"""One side for heights, whatever frame the points are in; `x` counts the scans."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.sample import Scan
from dcrdf.errors import UserError
from dcrdf.files.images import write_png, write_xyz
from dcrdf.preparation.category_frame import category_frame, frame_warning
from dcrdf.preparation.frame import camera_axes
from dcrdf.preparation.image import prepare_scan
from dcrdf.preparation.measure import measure_scan
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

SIZE = 64
OPTIONS = PrepareOptions(image_size=SIZE, component_min_share=0.001)
DOWN = np.diag([1.0, -1.0, -1.0])
"""A camera that looks down on a world whose z points up."""


def turned(axis: int, degrees: float) -> np.ndarray:
    """A rotation about one axis."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.roll(np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]), axis, (0, 1))


def scene(number: int, relief_mm: float, radius_px: float = 12.0) -> np.ndarray:
    """Points (S, S, 3) in metres that a camera sees: a disc on a tilted table 0.45 m away."""
    rng = np.random.default_rng(number)
    v, u = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    disc = np.hypot(u - rng.uniform(-6, 6), v - rng.uniform(-6, 6)) < radius_px
    across, down = u / 100, v / 100
    slope = np.deg2rad(rng.uniform(-4, 4, 2))
    z = (0.45 - relief_mm * 1e-3 * disc) / (1 - slope[0] * across - slope[1] * down)
    z += rng.normal(0, 1e-4, z.shape)
    xyz = np.stack([across * z, down * z, z], axis=2)
    xyz[rng.random(z.shape) < 0.02] = 0
    return xyz


def moved(xyz: np.ndarray, rotation: np.ndarray, shift_m: object) -> np.ndarray:
    """The points in another frame; missing ones stay (0, 0, 0)."""
    is_there = xyz.any(axis=2)
    return np.where(is_there[..., None], xyz @ rotation.T + np.array(shift_m), 0).astype(np.float32)


def frames(number: int) -> dict[str, tuple[np.ndarray, object]]:
    """Where scan `number` lies in each frame: rotation and shift from the camera's."""
    rng = np.random.default_rng(number + 1000)
    unsteady = turned(0, rng.normal(0, 1.0)) @ turned(1, rng.normal(0, 1.0)) @ DOWN
    return {
        "table": (turned(2, 30) @ DOWN, (0.1, 0.2, 0.45)),
        "unsteady table": (unsteady, (0.1, 0.2, 0.45 + rng.normal(0, 0.004))),
        "robot below": (turned(2, 40) @ DOWN, (0.5, -0.3, 0.75)),
        "robot above": (turned(2, 40) @ DOWN, (0.5, -0.3, 0.15)),
        "x ahead": (np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]]), (0, 0, 0)),
        "opengl": (DOWN, (0, 0, 0)),
        "mirrored": (np.diag([-1.0, 1, 1]), (0, 0, 0)),
        "y up": (np.diag([1.0, -1, 1]), (0, 0, 0)),
    }


def scan(xyz: np.ndarray) -> Scan:
    return Scan(np.zeros((*xyz.shape[:2], 3), np.uint8), xyz.astype(np.float32))


NAMES = tuple(frames(0))


@pytest.mark.parametrize("relief_mm", [12.0, -8.0])
@pytest.mark.parametrize("name", NAMES)
def test_heights_are_the_cameras_in_every_rigid_frame(name: str, relief_mm: float) -> None:
    radius_px = 12.0 if relief_mm > 0 else 5.0
    seen = [scene(x, relief_mm, radius_px) for x in range(6)]
    elsewhere = [scan(moved(xyz, *frames(x)[name])) for x, xyz in enumerate(seen)]
    facts = [measure_scan(x, OPTIONS).facts for x in elsewhere]
    frame = category_frame(facts, OPTIONS, "disc")
    assert frame == ("right_handed" if name in NAMES[:5] else "camera")
    for own, other in zip(seen, elsewhere, strict=True):
        right_m = measure_scan(scan(own), OPTIONS).surface_m
        np.testing.assert_allclose(
            measure_scan(other, OPTIONS, frame=frame).surface_m, right_m, atol=5e-5
        )


def test_the_sign_of_a_scan_alone_would_differ() -> None:
    """What the origin says beside a table: without one decision, some scans are upside down."""
    relief_mm = [
        1e3 * np.median(measure_scan(scan(xyz), OPTIONS).surface_m[28:36, 28:36])
        for xyz in (moved(scene(x, 12.0), *frames(x)["unsteady table"]) for x in range(12))
    ]
    assert min(relief_mm) < -11 < 11 < max(relief_mm)


def test_a_plane_through_the_origin_is_no_cameras_whatever_side_it_seems_to_show() -> None:
    facts = [
        measure_scan(scan(moved(scene(x, 12.0), *frames(x)["unsteady table"])), OPTIONS).facts
        for x in range(12)
    ]
    hands = [x.frame.is_right_handed for x in facts if x.frame is not None]
    assert len(set(hands)) == 2
    assert all(x.contradicts("camera") for x in facts)


def height_map(number: int, relief_mm: float, hand: int, radius_px: float = 12.0) -> Scan:
    """A laser scanner's: x to the right, y down (or up), z the height."""
    own = scene(number, relief_mm, radius_px)
    v, u = np.mgrid[:SIZE, :SIZE]
    height = np.where(own.any(axis=2), 0.45 - own[..., 2], 0)
    xyz = np.stack([u * 1e-3, -hand * v * 1e-3, height], axis=2)
    return scan(np.where(own.any(axis=2)[..., None], xyz, 0))


@pytest.mark.parametrize(("hand", "frame"), [(1, "right_handed"), (-1, "left_handed")])
def test_a_part_says_which_side_of_a_height_map_is_up(hand: int, frame: str) -> None:
    maps = [height_map(x, 12.0, hand) for x in range(6)]
    facts = [measure_scan(x, OPTIONS).facts for x in maps]
    assert category_frame(facts, OPTIONS, "disc") == frame
    surface_m = measure_scan(maps[0], OPTIONS, frame=frame).surface_m  # type: ignore[arg-type]
    assert np.median(surface_m[28:36, 28:36]) == pytest.approx(0.012, abs=2e-3)


def test_what_nothing_decides_is_asked_for() -> None:
    flat = [measure_scan(height_map(x, 12.0, -1, 2.0), OPTIONS).facts for x in range(6)]
    with pytest.raises(UserError, match=r"disc: the points .* say whose: prepare\.frame"):
        category_frame(flat, OPTIONS, "disc")
    said = OPTIONS.model_copy(update={"frame": "left_handed"})
    assert category_frame(flat, said, "disc") == "left_handed"
    contrary = [
        measure_scan(scan(xyz * np.float32([1, -1, 1])), OPTIONS).facts
        for xyz in (moved(scene(x, 12.0), *frames(x)["table"]) for x in range(6))
    ]
    with pytest.raises(UserError, match="nothing tells which side"):
        category_frame(contrary, OPTIONS, "disc")


@pytest.mark.parametrize("changes", [{"depth": "z"}, {"surface": "normals"}])
def test_distances_need_the_cameras_frame(changes: dict[str, str]) -> None:
    options = OPTIONS.model_copy(update=changes)
    facts = [
        measure_scan(scan(moved(scene(x, 12.0), *frames(x)["table"])), OPTIONS).facts
        for x in range(3)
    ]
    with pytest.raises(UserError, match="disc: the points are not in a camera's frame; depth: z"):
        category_frame(facts, options, "disc")


def test_a_few_scans_on_the_wrong_side_of_many_poses_are_turned_not_refused() -> None:
    """A camera in many places, one world: the origin is behind the table in some scans only."""
    seen = [scene(x, 12.0) for x in range(8)]
    places = [frames(x)["robot below" if x in (2, 5) else "robot above"] for x in range(8)]
    posed = [scan(moved(xyz, *place)) for xyz, place in zip(seen, places, strict=True)]
    facts = [measure_scan(x, OPTIONS).facts for x in posed]
    assert [x.contradicts("camera") for x in facts].count(True) == 2
    assert category_frame(facts, OPTIONS, "disc") == "right_handed"
    for own, other in zip(seen, posed, strict=True):
        np.testing.assert_allclose(
            measure_scan(other, OPTIONS, frame="right_handed").surface_m,
            measure_scan(scan(own), OPTIONS).surface_m,
            atol=5e-5,
        )


def test_numbers_that_stand_for_nothing_do_not_change_the_frame() -> None:
    spoilt = scene(0, 12.0)
    spoilt[10:30, 10:30, 2] = 40.0
    facts = measure_scan(scan(spoilt), OPTIONS).facts
    assert facts.frame is not None
    assert facts.frame.seen == "camera"
    assert not facts.contradicts("camera")


def test_a_distorting_lens_is_no_other_frame() -> None:
    """Rays that bend by some pixels: heights stay, the summary says what was seen."""
    own = scene(0, 12.0)
    bend = 1 + 2.5 * (own[..., :1] ** 2 + own[..., 1:2] ** 2) / 0.45**2
    facts = measure_scan(scan(own * np.concatenate([bend, bend, bend**0], axis=2)), OPTIONS).facts
    assert facts.frame is not None
    assert facts.frame.seen == "other"
    assert category_frame([facts], OPTIONS.model_copy(update={"depth": "z"}), "disc") == "camera"
    assert category_frame([facts], OPTIONS, "disc") == "right_handed"
    bent = scan(own * np.concatenate([bend, bend, bend**0], axis=2))
    one, two = (measure_scan(bent, OPTIONS, frame=x) for x in ("camera", "right_handed"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(one.surface_m, two.surface_m)
    assert "another frame than the camera's, or a lens" in frame_warning([facts], "right_handed")
    assert "another frame than the camera's, or a lens" in frame_warning([facts], "camera")
    own_facts = measure_scan(scan(own), OPTIONS).facts
    assert not frame_warning([own_facts], "camera")


def test_opengl_points_are_turned_and_others_left_alone() -> None:
    own = scan(scene(0, 12.0))
    gl = replace(own, xyz=own.xyz * np.array([1, -1, -1], np.float32))
    np.testing.assert_array_equal(camera_axes(gl).xyz, own.xyz)
    assert camera_axes(own) is own
    assert measure_scan(gl, OPTIONS).facts.plane == measure_scan(own, OPTIONS).facts.plane
    world = scan(moved(scene(0, 12.0), turned(2, 30) @ DOWN, (0.5, -0.3, 0.15)))
    assert np.median(world.xyz[..., 2]) < 0
    assert camera_axes(world) is world
    assert camera_axes(scan(np.zeros((SIZE, SIZE, 3)))).xyz.any() is np.False_


def write(root: Path, name: str, relief_mm: float = 12.0) -> Path:
    """A category of discs in one of the frames."""
    for split, count in (("train", 6), ("validation", 3), ("test", 3)):
        for index in range(count):
            number = 10 * len(split) + index
            place = frames(number)[name] if name else (np.eye(3), (0, 0, 0))
            folder = root / "disc" / split / "good"
            write_png(folder / f"rgb/{index}.png", np.full((SIZE, SIZE, 3), 90, np.uint8))
            write_xyz(folder / f"xyz/{index}.tiff", moved(scene(number, relief_mm), *place))
    return root


def prepare(root: Path) -> object:
    samples = list_samples(root, "mvtec3d", "disc", {})
    return prepare_category(samples, OPTIONS, root / "disc.h5", "{}", 1)


def test_a_category_in_a_worlds_frame_is_prepared_as_in_the_cameras(tmp_path: Path) -> None:
    own = prepare(write(tmp_path / "own", ""))
    other = prepare(write(tmp_path / "other", "unsteady table"))
    assert not own.warnings  # type: ignore[attr-defined]
    assert "taken as right-handed coordinates" in other.warnings[0]  # type: ignore[attr-defined]
    with (
        open_prepared(tmp_path / "own/disc.h5") as one,
        open_prepared(tmp_path / "other/disc.h5") as two,
    ):
        assert "frame" not in one.constants.to_dict()
        assert two.constants.to_dict()["frame"] == "right_handed"
        for split in ("train", "validation", "test"):
            np.testing.assert_allclose(two.split(split).depth, one.split(split).depth, atol=0.01)
        xyz = moved(scene(99, 12.0), *frames(99)["unsteady table"])
        image = prepare_scan(scan(xyz), OPTIONS, two.constants)
        own_image = prepare_scan(scan(scene(99, 12.0)), OPTIONS, one.constants)
        np.testing.assert_allclose(image.depth, own_image.depth, atol=0.01)
        with pytest.raises(UserError, match="not in a camera's frame, as the training scans' are"):
            prepare_scan(scan(xyz), OPTIONS, one.constants)
        mirrored = scan(scene(99, 12.0) * [-1, 1, 1])
        with pytest.raises(UserError, match="its points are a mirrored camera's"):
            prepare_scan(mirrored, OPTIONS, two.constants)
        assert prepare_scan(mirrored, OPTIONS, one.constants).foreground.any()


def test_one_scan_in_another_frame_is_named(tmp_path: Path) -> None:
    root = write(tmp_path, "")
    odd = root / "disc/train/good/xyz/3.tiff"
    write_xyz(odd, moved(scene(3, 12.0), *frames(3)["table"]))
    with pytest.raises(UserError, match=re.escape(f"{odd}: its points are not in a camera's")):
        prepare(root)
    assert not (root / "disc.h5").exists()


def test_opengl_and_camera_in_one_category_are_told(tmp_path: Path) -> None:
    root = write(tmp_path, "opengl")
    assert not prepare(root).warnings  # type: ignore[attr-defined]
    write_xyz(root / "disc/test/good/xyz/0.tiff", scene(0, 12.0).astype(np.float32))
    assert "z is negative in 11 scans and not in others" in prepare(root).warnings[0]  # type: ignore[attr-defined]
