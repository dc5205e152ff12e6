"""Colour and depth that do not belong together; depth that shows nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dcrdf.checks.check import CheckReport, check_category
from dcrdf.config.options import PrepareOptions
from dcrdf.files.images import read_xyz, write_png, write_xyz

SIZE = 64
OPTIONS = PrepareOptions(image_size=SIZE)
COUNTS = (("train", 8), ("validation", 4), ("test", 4))


def scene(number: int, alike: bool = False, moved_px: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A plate with three bosses, nowhere symmetrical; `alike` ones differ in noise only, and in
    place as far as they are moved."""
    rng = np.random.default_rng(1 if alike else number)
    v, u = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    u, v = (
        x + np.random.default_rng((number, i)).uniform(-1, 1) * moved_px
        for i, x in enumerate((u, v))
    )
    plate = (abs(u - rng.uniform(-4, 4)) < 20) & (abs(v - rng.uniform(-4, 4)) < 16)
    places = rng.uniform(-13, 13, (3, 2))
    bosses = np.any([np.hypot(u - x, v - y) < 4 for x, y in places], axis=0)
    rng = np.random.default_rng(number)
    z = 0.45 - 0.006 * plate - 0.006 * bosses + rng.normal(0, 5e-5, u.shape)
    xyz = np.stack([u / 100 * z, v / 100 * z, z], axis=2).astype(np.float32)
    grey = 60 + 70 * plate + 50 * bosses + rng.normal(0, 4, u.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2), xyz


def write(root: Path, alike: bool = False, moved_px: float = 0.0) -> Path:
    for split, count in COUNTS:
        folder = root / "plate" / split / "good"
        for index in range(count):
            rgb, xyz = scene(100 * len(split) + index, alike, moved_px)
            write_png(folder / f"rgb/{index}.png", rgb)
            write_xyz(folder / f"xyz/{index}.tiff", xyz)
    return root


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound data set, only to be read."""
    return write(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def check(root: Path) -> CheckReport:
    return check_category(root, "mvtec3d", "plate", OPTIONS)


def details(report: CheckReport, what: str, severity: str = "warning") -> str:
    return "\n".join(
        f"{x.detail} {x.file}" for x in report.findings if (x.severity, x.what) == (severity, what)
    )


def spoil(root: Path, change: object, *folders: str) -> None:
    """Change the points of all folders, or of some."""
    for path in sorted(root.rglob("*.tiff")):
        if not folders or path.relative_to(root / "plate").as_posix() in folders:
            write_xyz(path, np.ascontiguousarray(change(read_xyz(path))))  # type: ignore[operator]


def test_sound_pairs_are_no_finding(sound: Path) -> None:
    report = check(sound)
    for what in ("pairs", "depth", "part", "alignment", "frame", "mode"):
        assert not details(report, what), what
    found = details(report, "pairs", "ok")
    assert "better than others" in found
    assert "not told apart" not in found


@pytest.mark.parametrize(
    ("turn", "name"),
    [
        (lambda x: x[:, ::-1], "its own, mirrored"),
        (lambda x: x[::-1], "its own, upside down"),
        (lambda x: x[::-1, ::-1], "its own, turned by 180 degrees"),
        (lambda x: np.rot90(x, -1), "its own, turned by 90 degrees"),
        (np.rot90, "its own, turned by 270 degrees"),
        (lambda x: x.swapaxes(0, 1), "its own, with rows and columns swapped"),
    ],
)
def test_turned_depth_is_named_with_how_many_say_so(root: Path, turn: object, name: str) -> None:
    spoil(root, turn)
    found = details(check(root), "pairs")
    assert f"in 16 of 16 scans the colour fits another depth better: {name}" in found


@pytest.mark.parametrize(("step", "name"), [(1, "previous"), (-1, "next")])
def test_depth_shifted_by_one_scan_is_named(root: Path, step: int, name: str) -> None:
    for folder in root.rglob("xyz"):
        files = sorted(folder.iterdir())
        points = [read_xyz(path) for path in files]
        for path, xyz in zip(files, points[step:] + points[:step], strict=True):
            write_xyz(path, xyz)
    found = details(check(root), "pairs")
    assert f"in 13 of 13 scans the colour fits another depth better: that of the {name}" in found


@pytest.mark.parametrize(("alike", "others"), [(False, (3, 4)), (True, (1, 6))])
def test_two_scans_that_changed_places_are_named(
    tmp_path: Path, alike: bool, others: tuple[int, int]
) -> None:
    """Also where parts are alike, in shape and nearly in place."""
    root = write(tmp_path, alike=alike, moved_px=2.0)
    one, two = (root / f"plate/train/good/xyz/{i}.tiff" for i in others)
    points = read_xyz(one)
    shutil.copy(two, one)
    write_xyz(two, points)
    (line,) = details(check(root), "pairs").splitlines()
    assert f"have they changed places with plate/train/good/{others[1]}?" in line
    assert line.endswith(f"train/good/rgb/{others[0]}.png")


def test_one_mirrored_scan_is_named(root: Path) -> None:
    spoil(root, lambda x: x[:, ::-1], "train/good/xyz/5.tiff")
    found = details(check(root), "pairs")
    assert "its own, mirrored" in found
    assert found.count("rgb/") == 1
    assert "train/good/rgb/5.png" in found


def test_parts_alike_in_place_do_not_tell_their_neighbours_apart(tmp_path: Path) -> None:
    """No finding, and said: a swap among them could not be seen."""
    report = check(write(tmp_path, alike=True))
    assert not details(report, "pairs")
    assert "not told apart: that of the next scan, that of the previous scan" in details(
        report, "pairs", "ok"
    )


def test_strangers_cannot_be_judged_and_that_is_no_ok(root: Path) -> None:
    for number, path in enumerate(sorted(root.rglob("*.tiff"))):
        write_xyz(path, scene(9000 + number)[1])
        rgb = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        write_png(path.parent.parent / "rgb" / f"{path.stem}.png", rgb)
    report = check(root)
    assert "cannot be judged" in details(report, "pairs")
    assert "cannot be judged: their edges agree nowhere" in details(report, "alignment")
    assert report.exit_code == 1


def test_depth_that_is_the_same_everywhere_is_named(root: Path) -> None:
    def flat(xyz: np.ndarray) -> np.ndarray:
        return np.where(xyz[..., 2:] > 0, xyz * [1, 1, 0] + [0, 0, 0.45], 0).astype(np.float32)

    spoil(root, flat, "train/good/xyz/2.tiff")
    found = details(check(root), "depth")
    assert "all points lie at one distance: no depth" in found
    assert found.count("tiff") == 1
    assert "train/good/xyz/2.tiff" in found


def test_one_depth_for_several_images_is_named(root: Path) -> None:
    place = root / "plate/train/good/xyz"
    shutil.copy(place / "1.tiff", place / "6.tiff")
    found = details(check(root), "depth")
    assert "one depth for 2 different images: plate/train/good/1, plate/train/good/6" in found


def test_a_good_scan_without_a_part_is_named(root: Path) -> None:
    v, u = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    z = 0.45 + np.random.default_rng(0).normal(0, 5e-5, u.shape)
    empty = np.stack([u / 100 * z, v / 100 * z, z], axis=2).astype(np.float32)
    spoil(root, lambda _: empty, "train/good/xyz/4.tiff")
    found = details(check(root), "part")
    assert "no part in it?" in found
    assert "train/good/xyz/4.tiff" in found
    assert found.count("tiff") == 1


def test_a_disparity_is_told_by_what_lies_behind(root: Path) -> None:
    def disparity(xyz: np.ndarray) -> np.ndarray:
        return (xyz / xyz[..., 2:] * (0.2 / xyz[..., 2:])).astype(np.float32)

    spoil(root, disparity)
    found = details(check(root), "mode")
    assert "lies behind the background: a disparity" in found


def test_distances_along_the_ray_are_told(root: Path) -> None:
    def ray(xyz: np.ndarray) -> np.ndarray:
        rho = np.linalg.norm(xyz, axis=2, keepdims=True) / xyz[..., 2:]
        return (xyz * rho).astype(np.float32)

    assert not details(check(root), "distance")
    spoil(root, ray)
    assert "the form (exponent 1.0" in details(check(root), "distance")


def test_a_background_cut_off_is_named(root: Path) -> None:
    def cut(xyz: np.ndarray) -> np.ndarray:
        return np.where(xyz[..., 2:] < 0.447, xyz, 0).astype(np.float32)

    spoil(root, cut)
    found = details(check(root), "missing depth")
    assert "is the background cut off already" in found


def test_points_of_a_world_are_named(root: Path) -> None:
    spoil(root, lambda x: (x * [1, -1, -1] + [0.1, 0.2, 0.45]).astype(np.float32))
    report = check(root)
    assert "taken as right-handed coordinates" in details(report, "frame")
    assert "part: a background plane in 8 of 8" in details(report, "mode", "ok")
    assert not details(report, "distance")
    spoil(root, lambda x: (x * [1, -1, 1]).astype(np.float32))
    report = check(root)
    assert "taken as left-handed coordinates" in details(report, "frame")
    assert "part: a background plane in 8 of 8" in details(report, "mode", "ok")


def test_one_scan_of_a_world_among_the_cameras_is_an_error(root: Path) -> None:
    spoil(
        root, lambda x: (x * [1, -1, -1] + [0.1, 0.2, 0.45]).astype(np.float32),
        "train/good/xyz/1.tiff",
    )  # fmt: skip
    found = details(check(root), "frame", "error")
    assert "not in a camera's frame, as the training scans' are" in found
    assert "train/good/xyz/1.tiff" in found
