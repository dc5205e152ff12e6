"""A category on disk: layout, determinism, and what happens when it cannot be made."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dcrdf.cli import main
from dcrdf.config.options import SyntheticOptions
from dcrdf.config.sources import SYNTHETIC_MARKER, SYNTHETIC_SIGN
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.synthetic import CATEGORIES, generate, synthesize
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.errors import UserError
from dcrdf.files.images import read_rgb
from dcrdf.metrics.ranking import auroc

SMALL = SyntheticOptions(image_size=64, train=2, validation=1, test_good=1, test_per_defect=1)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    for category in CATEGORIES:
        synthesize(root, category, SMALL, processes=1)
    return root


def test_three_categories_with_at_least_four_kinds_each():
    assert len(CATEGORIES) >= 3
    assert all(len(RECIPES[category].defects) >= 4 for category in CATEGORIES)


@pytest.mark.parametrize("category", CATEGORIES)
def test_files_are_exactly_those_of_the_layout(small_root: Path, category: str):
    good = {f"{split}/good" for split in ("train", "validation", "test")}
    places = good | {f"test/{kind}" for kind in RECIPES[category].defects}
    wanted = {SYNTHETIC_MARKER, SYNTHETIC_SIGN}
    for place in places:
        for name in ("000", "001") if place == "train/good" else ("000",):
            wanted |= {f"{place}/rgb/{name}.png", f"{place}/xyz/{name}.tiff"}
            wanted |= {f"{place}/gt/{name}.png"} if place.startswith("test") else set()
    assert set(digests(small_root / category)) == wanted


@pytest.mark.parametrize("category", CATEGORIES)
def test_samples_load_as_mvtec_3d(small_root: Path, category: str):
    samples = list_samples(small_root, "mvtec3d", category)
    assert len(samples) == 4 + len(RECIPES[category].defects)
    for sample in samples:
        scan = load_scan(sample)
        assert scan.rgb.shape == scan.xyz.shape == (64, 64, 3)
        assert (scan.rgb.dtype, scan.xyz.dtype) == (np.uint8, np.float32)
        if sample.split == "test":
            assert scan.gt is not None
            assert scan.gt.any() == (not sample.is_good)


def test_ground_truth_is_0_or_255(small_root: Path):
    kind = next(iter(RECIPES["cracker"].defects))
    mask = cv2.imread(str(small_root / f"cracker/test/{kind}/gt/000.png"), cv2.IMREAD_UNCHANGED)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}


def test_missing_points_are_exactly_zero(small_root: Path):
    tiff = str(small_root / "flange/train/good/xyz/000.tiff")
    points = cv2.imread(tiff, cv2.IMREAD_UNCHANGED)
    missing = (points == 0.0).all(axis=2)
    assert missing.any()
    assert not (points[~missing] == 0.0).all(axis=1).any()
    assert np.isfinite(points).all()


def test_marker_says_options_version_and_camera(small_root: Path):
    marker = json.loads((small_root / "handle" / SYNTHETIC_MARKER).read_text())
    assert marker["options"] == SMALL.model_dump(mode="json")
    assert marker["generator_version"] == generate.GENERATOR_VERSION
    assert set(marker["camera"]) == {"fx", "fy", "cx", "cy"}
    assert marker["camera"]["cx"] == 31.5


def test_same_bits_with_two_processes(small_root: Path, tmp_path: Path):
    synthesize(tmp_path, "handle", SMALL, processes=2)
    assert digests(tmp_path / "handle") == digests(small_root / "handle")


def test_a_sample_does_not_depend_on_how_many_there_are(small_root: Path, tmp_path: Path):
    more = SMALL.model_copy(update={"train": 3, "test_good": 2, "test_per_defect": 2})
    synthesize(tmp_path, "flange", more, processes=1)
    few, many = digests(small_root / "flange"), digests(tmp_path / "flange")
    assert {name for name in few if few[name] != many[name]} == {SYNTHETIC_MARKER}
    assert len(many) > len(few)


def test_another_seed_gives_other_samples(small_root: Path, tmp_path: Path):
    synthesize(tmp_path, "cracker", SMALL.model_copy(update={"seed": 1}), processes=1)
    first, second = digests(small_root / "cracker"), digests(tmp_path / "cracker")
    images = [name for name in first if "/rgb/" in name or "/xyz/" in name]
    assert all(first[name] != second[name] for name in images)
    assert len({first[name] for name in images}) == len(images)


def test_own_folder_is_made_anew_even_without_its_marker(tmp_path: Path):
    fewer = SMALL.model_copy(update={"train": 1})
    synthesize(tmp_path, "cracker", SMALL, processes=1)
    (tmp_path / "cracker" / SYNTHETIC_MARKER).unlink()
    synthesize(tmp_path, "cracker", fewer, processes=1)
    assert (tmp_path / "cracker" / SYNTHETIC_MARKER).is_file()
    assert not (tmp_path / "cracker/train/good/rgb/001.png").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["cracker"]


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path):
    precious = tmp_path / "cracker" / "train" / "photo.png"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"precious")
    with pytest.raises(UserError, match="cracker: is already there"):
        synthesize(tmp_path, "cracker", SMALL, processes=1)
    assert list(digests(tmp_path)) == ["cracker/train/photo.png"]


def test_the_command_keeps_data_of_other_numbers(tmp_path: Path, capsys):
    numbers = ["--image-size", "64", "--train", "2", "--validation", "1", "--test-good", "1"]
    command = ["synthesize", str(tmp_path), "cracker", *numbers, "--test-per-defect", "1"]
    assert main(command) == 0
    before = digests(tmp_path)
    assert main(command) == 0
    assert digests(tmp_path) == before
    capsys.readouterr()
    assert main([*command, "--seed", "1"]) == 2
    error = capsys.readouterr().err
    assert "cracker: made with other settings, and would be lost" in error
    assert error.count("\n") == 1
    assert digests(tmp_path) == before
    assert main([*command, "--seed", "1", "--force"]) == 0
    assert digests(tmp_path) != before


def test_unknown_category_names_the_known_ones(tmp_path: Path):
    with pytest.raises(UserError, match=r"^cable: .*cracker, flange, handle, scone, field$"):
        synthesize(tmp_path, "cable", SMALL, processes=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("had_one", [False, True])
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had_one: bool):
    if had_one:
        synthesize(tmp_path, "cracker", SMALL, processes=1)
    written = []

    def fill_the_disk(folder: Path, name: generate.SampleName, size_px: int) -> None:
        written.append(name)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(folder / "x.png"))

    monkeypatch.setattr(generate, "write_sample", fill_the_disk)
    with pytest.raises(UserError, match=r"cracker: cannot write: No space left on device"):
        synthesize(tmp_path, "cracker", SMALL, processes=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_mean_and_deviation_of_each_pixel_do_not_find_the_defects(tmp_path: Path):
    """The gauge that a detector must leave well behind."""
    found = []
    for category in CATEGORIES:
        synthesize(tmp_path, category, SyntheticOptions(), processes=2)
        found.append(_gauge(tmp_path, category))
    rgb, depth, both = np.mean(found, axis=0)
    assert max(rgb, depth, both) < 0.75, (rgb, depth, both)
    assert np.max(found) < 0.85, found


def _gauge(root: Path, category: str) -> tuple[float, float, float]:
    """Image AUROC of the largest blurred deviation: colour, height, both."""
    samples = list_samples(root, "mvtec3d", category)
    fields = [_colour_and_height(load_scan(sample)) for sample in samples]
    maps = []
    for modality in range(2):
        values = np.stack([pair[modality] for pair in fields])
        train = values[[sample.split == "train" for sample in samples]]
        apart = np.abs(values - train.mean(0)) / (train.std(0) + 0.02)
        apart = np.stack([cv2.GaussianBlur(one.mean(-1), (0, 0), 2.5) for one in apart])
        maps.append(apart / apart[[sample.split == "validation" for sample in samples]].std())
    is_test = [sample.split == "test" for sample in samples]
    labels = [not sample.is_good for sample in samples if sample.split == "test"]
    scores = [one[is_test].max((1, 2)) for one in (*maps, maps[0] + maps[1])]
    rgb, depth, both = (auroc(score, labels) for score in scores)
    return rgb, depth, both


def _colour_and_height(scan) -> tuple[np.ndarray, np.ndarray]:
    """Colour in 0..1 and height over the border's plane in units of 5 mm, both at 160 pixels."""
    x, y, z = (1000.0 * scan.xyz[..., axis] for axis in range(3))
    seen = z > 0.0
    border = seen.copy()
    border[10:-10, 10:-10] = False
    terms = np.column_stack([x[border], y[border], np.ones(border.sum())])
    plane = np.linalg.lstsq(terms, z[border], rcond=None)[0]
    height = np.where(seen, plane[0] * x + plane[1] * y + plane[2] - z, 0.0) / 5.0
    small = cv2.resize(height.astype(np.float32), (160, 160), interpolation=cv2.INTER_AREA)
    colour = cv2.resize(scan.rgb, (160, 160), interpolation=cv2.INTER_AREA) / np.float32(255)
    return colour, small[..., None]


def test_images_are_neither_black_nor_burnt_out(small_root: Path):
    for category in set(CATEGORIES) - {"field"}:  # it is seen by night, too
        rgb = read_rgb(small_root / category / "train/good/rgb/000.png")
        assert 60 < rgb.mean() < 200
        assert (rgb == 255).all(axis=2).mean() < 0.02
