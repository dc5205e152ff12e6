import os
import shutil
from collections import Counter
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from dcrdf.config.layouts import LAYOUTS
from dcrdf.config.layouts import READERS as READER_OPTIONS
from dcrdf.datasets.layouts import READERS, left_out, list_categories, list_samples
from dcrdf.errors import UserError

Writer = Callable[..., None]


def counts(samples: list) -> dict[str, int]:
    return dict(Counter(f"{sample.split}/{sample.defect}" for sample in samples))


def paths_left_out(root: Path, layout: str, category: str) -> list[Path]:
    return [found.path for found in left_out(root, layout, category)]


def refusal(root: Path, layout: str = "mvtec3d", category: str = "bagel") -> str:
    with pytest.raises(UserError) as caught:
        list_samples(root, layout, category)
    return str(caught.value)


def test_every_declared_layout_has_a_reader() -> None:
    assert tuple(READERS) == LAYOUTS
    with_options = {x for x, read in READERS.items() if len(signature(read).parameters) == 3}
    assert with_options - {"mvtec3d"} == set(READER_OPTIONS)  # a naming is no option of its users


def test_mvtec3d_lists_every_pair_in_order(mvtec_root: Path) -> None:
    samples = list_samples(mvtec_root, "mvtec3d", "bagel")
    assert counts(samples) == {
        "train/good": 5, "validation/good": 2, "test/good": 2, "test/hole": 3,
    }  # fmt: skip
    assert [sample.identity for sample in samples[4:8]] == [
        "bagel/train/good/004",
        "bagel/validation/good/000",
        "bagel/validation/good/001",
        "bagel/test/good/000",
    ]
    last = samples[-1]
    folder = mvtec_root / "bagel" / "test" / "hole"
    assert last.rgb == folder / "rgb" / "002.png"
    assert last.xyz == folder / "xyz" / "002.tiff"
    assert last.gt == folder / "gt" / "002.png"
    assert last.depth is None
    assert last.camera is None
    assert not last.is_good
    assert samples[0].is_good
    assert samples[0].gt is None


def test_masks_of_good_images_are_optional(mvtec_root: Path, write_samples: Writer) -> None:
    write_samples(mvtec_root / "bagel" / "test" / "good", ["000"], ("gt",))
    samples = [s for s in list_samples(mvtec_root, "mvtec3d", "bagel") if s.split == "test"]
    assert [sample.gt is not None for sample in samples[:2]] == [True, False]


def test_clutter_and_spelling_do_not_matter(mvtec_root: Path) -> None:
    category = mvtec_root / "bagel"
    plain = list_samples(mvtec_root, "mvtec3d", "bagel")
    rgb, xyz = category / "train" / "good" / "rgb", category / "train" / "good" / "xyz"
    (rgb / "000.png").rename(rgb / "000.PNG")
    (xyz / "000.tiff").rename(xyz / "000.TIF")
    (rgb / "Thumbs.db").write_bytes(b"x")
    (rgb / ".000.part.png").write_bytes(b"x")
    (rgb / ".cache").mkdir()
    (category / "calibration").mkdir()
    (category / ".git" / "rgb").mkdir(parents=True)
    (mvtec_root / "license.txt").write_text("terms")
    samples = list_samples(mvtec_root, "mvtec3d", "bagel")
    assert [s.identity for s in samples] == [s.identity for s in plain]
    assert samples[0].rgb.name == "000.PNG"
    assert samples[0].xyz is not None
    assert samples[0].xyz.name == "000.TIF"


def test_a_missing_root_and_an_unknown_category(mvtec_root: Path) -> None:
    assert refusal(mvtec_root / "gone").startswith(f"{mvtec_root / 'gone'}: no such folder")
    (mvtec_root / "tire").mkdir()
    assert refusal(mvtec_root, category="cake").endswith(
        "no category 'cake'; there are: bagel, tire"
    )
    for name in ("..", ".", "bagel/train", ""):
        assert "no category" in refusal(mvtec_root, category=name)
    assert "no images" in refusal(mvtec_root, category="tire")
    assert list_categories(mvtec_root) == ["bagel", "tire"]
    (mvtec_root / "empty").mkdir()
    assert "no category folders" in refusal(mvtec_root / "empty")
    assert "layout 'zip' is unknown" in refusal(mvtec_root, layout="zip")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_split_is_named(mvtec_root: Path, split: str) -> None:
    shutil.rmtree(mvtec_root / "bagel" / split)
    assert f"bagel/{split}: no images" in refusal(mvtec_root)


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("train/good/xyz/003.tiff", "train/good/rgb/003.png: no xyz belongs to this image"),
        ("test/hole/rgb/001.png", "test/hole/xyz/001.tiff: no rgb image belongs to this xyz"),
        ("test/hole/gt/001.png", "test/hole/rgb/001.png: no gt mask belongs to this image"),
        ("test/hole/gt", "test/hole/rgb/000.png: no gt mask belongs to this image"),
        ("test/good/xyz", "test/good/rgb/000.png: no xyz belongs to this image"),
        ("validation/good/rgb", "validation/good/xyz/000.tiff: no rgb image"),
    ],
)
def test_every_missing_counterpart_is_named(mvtec_root: Path, removed: str, message: str) -> None:
    path = mvtec_root / "bagel" / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert f"bagel/{message}" in refusal(mvtec_root)


def test_further_files_of_the_same_fault_are_counted(mvtec_root: Path) -> None:
    for number in (1, 3, 4):
        (mvtec_root / "bagel" / "train" / "good" / "xyz" / f"{number:03d}.tiff").unlink()
    assert "rgb/001.png: no xyz" in refusal(mvtec_root)
    assert refusal(mvtec_root).endswith("xyz/001.tiff (2 more like it in this folder)")


def test_a_mask_without_image_is_named(mvtec_root: Path, write_samples: Writer) -> None:
    write_samples(mvtec_root / "bagel" / "test" / "hole", ["007"], ("gt",))
    assert "test/hole/gt/007.png: gt for a missing image" in refusal(mvtec_root)


def test_two_images_of_one_name_are_refused(mvtec_root: Path) -> None:
    rgb = mvtec_root / "bagel" / "train" / "good" / "rgb"
    shutil.copy(rgb / "000.png", rgb / "000.PNG")
    assert "has the same name" in refusal(mvtec_root)


def test_defects_among_training_images_are_refused(mvtec_root: Path, write_samples: Writer) -> None:
    write_samples(mvtec_root / "bagel" / "train" / "crack", ["000"], ("rgb", "xyz", "gt"))
    assert "train/crack: only good samples belong into train" in refusal(mvtec_root)


def test_missing_validation_is_carved_out_of_train(mvtec_root: Path, write_samples: Writer) -> None:
    shutil.rmtree(mvtec_root / "bagel" / "validation")
    write_samples(mvtec_root / "bagel" / "train" / "good", [f"{n:03d}" for n in range(30)])
    samples = list_samples(mvtec_root, "mvtec3d", "bagel")
    assert counts(samples)["validation/good"] == 3
    assert counts(samples)["train/good"] == 27
    assert [s.identity for s in samples] == [
        s.identity for s in list_samples(mvtec_root, "mvtec3d", "bagel")
    ]


def test_one_training_image_cannot_be_split(mvtec_root: Path) -> None:
    shutil.rmtree(mvtec_root / "bagel" / "validation")
    for part in ("rgb", "xyz"):
        for file in sorted((mvtec_root / "bagel" / "train" / "good" / part).iterdir())[1:]:
            file.unlink()
    assert "too few to set one aside" in refusal(mvtec_root)


def own_data(root: Path, write: Writer, names: list[str]) -> Path:
    write(root / "valve" / "good", names)
    write(root / "valve" / "dent", ["d1", "d2"], ("rgb", "xyz", "gt"))
    write(root / "valve" / "scratch", ["s1"])
    (root / "valve" / "notes").mkdir()
    return root


def test_of_own_good_scans_one_in_seven_is_for_test_and_one_for_validation(
    tmp_path: Path, write_samples: Writer
) -> None:
    root = own_data(tmp_path, write_samples, [f"part {n}" for n in range(42)])
    samples = list_samples(root, "folder", "valve")
    assert counts(samples) == {
        "train/good": 30, "validation/good": 6, "test/good": 6, "test/dent": 2, "test/scratch": 1,
    }  # fmt: skip
    assert len({sample.name for sample in samples}) == len(samples)
    assert samples[-1].gt is None


def test_new_files_move_no_others(tmp_path: Path, write_samples: Writer) -> None:
    root = own_data(tmp_path, write_samples, [f"part {n}" for n in range(40)])
    before = {s.name: s.split for s in list_samples(root, "folder", "valve")}
    write_samples(root / "valve" / "good", ["new 1", "new 2", "part 40", "later"])
    after = {s.name: s.split for s in list_samples(root, "folder", "valve")}
    assert before == {name: after[name] for name in before}


@pytest.mark.parametrize("count", [3, 4, 5, 7])
def test_small_sets_fill_every_split(tmp_path: Path, write_samples: Writer, count: int) -> None:
    root = own_data(tmp_path, write_samples, [f"{n}" for n in range(count)])
    found = counts(list_samples(root, "folder", "valve"))
    assert found["test/good"] == found["validation/good"] == 1
    assert found["train/good"] == count - 2


def test_own_folder_refusals(tmp_path: Path, write_samples: Writer) -> None:
    root = own_data(tmp_path, write_samples, ["1", "2"])
    assert "2 good image(s); at least 3" in refusal(root, "folder", "valve")
    (root / "valve" / "dent" / "gt" / "d1.png").unlink()
    assert "dent/rgb/d1.png: no gt mask" in refusal(root, "folder", "valve")
    (root / "valve" / "dent" / "gt" / "d1.png").touch()
    shutil.rmtree(root / "valve" / "good" / "rgb")
    shutil.rmtree(root / "valve" / "good" / "xyz")
    assert "valve/good/rgb: no images" in refusal(root, "folder", "valve")


def test_own_folders_keep_existing_splits(mvtec_root: Path) -> None:
    assert list_samples(mvtec_root, "folder", "bagel") == list_samples(
        mvtec_root, "mvtec3d", "bagel"
    )


CAMERA = '{"fx": 500, "fy": 500.5, "cx": 16, "cy": 12, "depth_unit_m": 0.001}'


@pytest.mark.parametrize("place", ["valve/camera.json", "camera.yaml", "valve/good/camera.yml"])
def test_depth_images_find_the_camera_above_them(
    tmp_path: Path, write_samples: Writer, place: str
) -> None:
    write_samples(tmp_path / "data" / "valve" / "good", range(4), ("rgb", "depth"))
    (tmp_path / "data" / place).write_text(CAMERA)
    samples = list_samples(tmp_path / "data", "folder", "valve")
    assert all(s.xyz is None and s.depth is not None and s.camera is not None for s in samples)
    assert samples[0].camera is not None
    assert samples[0].camera.fy == 500.5


def test_a_camera_outside_the_root_is_not_taken(tmp_path: Path, write_samples: Writer) -> None:
    write_samples(tmp_path / "data" / "valve" / "good", range(4), ("rgb", "depth"))
    (tmp_path / "camera.json").write_text(CAMERA)
    assert "need a camera.json" in refusal(tmp_path / "data", "folder", "valve")


def test_mvtec3d_with_depth_images(mvtec_root: Path, write_samples: Writer) -> None:
    for folder in ("train/good", "validation/good", "test/good", "test/hole"):
        place = mvtec_root / "bagel" / folder
        names = [path.stem for path in (place / "rgb").iterdir()]
        shutil.rmtree(place / "xyz")
        write_samples(place, names, ("depth",))
    (mvtec_root / "bagel" / "camera.json").write_text(CAMERA)
    samples = list_samples(mvtec_root, "mvtec3d", "bagel")
    assert len(samples) == 12
    assert all(sample.depth is not None for sample in samples)
    (mvtec_root / "bagel" / "test" / "hole" / "depth" / "001.png").unlink()
    assert "test/hole/rgb/001.png: no depth belongs to this image" in refusal(mvtec_root)


def test_names_with_odd_characters(tmp_path: Path, write_samples: Writer) -> None:
    names = ["a b", "c'd", '"e"', "$(f)", "g\nh", "ü"]
    write_samples(tmp_path / "valve" / "good", names)
    assert {s.name for s in list_samples(tmp_path, "folder", "valve")} == set(names)
    (tmp_path / "valve" / "good" / "xyz" / "g\nh.tiff").unlink()
    assert "\n" not in refusal(tmp_path, "folder", "valve")


@pytest.mark.parametrize(
    ("root", "category", "expected"),
    [
        ("sensor", "road1", (42, 8, 44)),
        ("sensor", "table", (42, 8, 51)),
        ("rendered", "biscuit", (60, 10, 56)),
    ],
)
def test_real_sets(
    shared_data: Path, root: str, category: str, expected: tuple[int, int, int]
) -> None:
    split = Counter(s.split for s in list_samples(shared_data / root, "mvtec3d", category))
    assert (split["train"], split["validation"], split["test"]) == expected


@pytest.mark.parametrize("layout", ["mvtec3d", "folder"])
def test_a_kind_that_tables_call_all_of_them_is_refused(mvtec_root: Path, layout: str) -> None:
    folder = mvtec_root / "bagel" / "test" / "hole"
    folder.rename(folder.with_name("all"))
    assert "test/all: 'all' stands for all kinds of defects" in refusal(mvtec_root, layout)


@pytest.mark.parametrize("part", ["rgb", "folder", "category"])
def test_names_that_are_not_utf8_are_refused(mvtec_root: Path, part: str) -> None:
    category = mvtec_root / "bagel"
    old = {
        "rgb": category / "train/good/rgb/000.png",
        "folder": category / "test/hole",
        "category": category,
    }[part]
    old.rename(os.fsdecode(os.fsencode(old.parent) + b"/\xff\xfe.png"))
    assert refusal(mvtec_root).endswith("\\xff\\xfe.png: the name is not UTF-8; rename it")


def test_no_kind_of_defects_is_lost_in_silence(tmp_path: Path, write_samples: Writer) -> None:
    """Pictures without rgb, an empty rgb, rgb with a folder in it, links to nowhere."""
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    category = root / "valve"
    picture = next((category / "good" / "rgb").iterdir())
    for lost, named in (
        ("crack/1.png", "valve/crack: holds pictures (1.png) but no folder rgb"),
        ("crack/RGB/1.png", "valve/crack: holds pictures (RGB/1.png) but no folder rgb"),
        ("crack/1.BMP", "valve/crack: holds pictures (1.BMP) but no folder rgb"),
        ("crack/rgb/", "valve/crack/rgb: no images; put this kind's images there"),
        ("crack/rgb/again/1.png", "valve/crack/rgb: no images"),
    ):
        path = category / lost
        path.parent.mkdir(parents=True)
        path.mkdir(exist_ok=True) if lost.endswith("/") else shutil.copy(picture, path)
        assert named in refusal(root, "folder", "valve"), lost
        (category / "crack").rename(category / ".crack")
        assert "test/crack" not in counts(list_samples(root, "folder", "valve"))
        shutil.rmtree(category / ".crack")
    (category / "crack").symlink_to(tmp_path / "gone")
    assert "valve/crack: a link to what is not there" in refusal(root, "folder", "valve")
    (category / "crack").unlink()
    (category / "crack").mkdir()
    (category / "crack" / "rgb").symlink_to(tmp_path / "gone")
    assert "valve/crack/rgb: a link to what is not there" in refusal(root, "folder", "valve")


def test_no_kind_of_defects_is_lost_from_a_split(mvtec_root: Path) -> None:
    hole = mvtec_root / "bagel" / "test" / "hole"
    (hole / "rgb").rename(hole / "colour")
    for part in ("xyz", "gt"):
        shutil.rmtree(hole / part)
    assert "test/hole: holds pictures (colour/000.png)" in refusal(mvtec_root)


def test_folders_without_scans_are_left_out_by_name(
    tmp_path: Path, mvtec_root: Path, write_samples: Writer
) -> None:
    root = own_data(tmp_path / "own", write_samples, ["1", "2", "3"])
    assert paths_left_out(root, "folder", "valve") == [root / "valve" / "notes"]
    notes = mvtec_root / "bagel" / "test" / "notes"
    notes.mkdir()
    for layout in ("mvtec3d", "folder"):
        assert paths_left_out(mvtec_root, layout, "bagel") == [notes]


def test_pictures_of_other_formats_are_refused_with_those_that_are_read(mvtec_root: Path) -> None:
    rgb = mvtec_root / "bagel" / "test" / "hole" / "rgb"
    (rgb / "000.bmp").write_bytes(b"a preview of 000.png")
    list_samples(mvtec_root, "mvtec3d", "bagel")
    (rgb / "000.png").unlink()
    assert refusal(mvtec_root).endswith(
        "hole/rgb/000.bmp: not a format that is read here; convert it to one of .png, .jpg, .jpeg"
    )


@pytest.mark.parametrize("layout", ["mvtec3d", "eyecandies"])
def test_the_wrong_layout_for_own_scans_is_said(
    tmp_path: Path, write_samples: Writer, layout: str
) -> None:
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    assert refusal(root, layout, "valve").endswith("set dataset.layout or --layout to folder")


def test_scans_in_a_folder_within_a_folder_are_not_lost(
    tmp_path: Path, mvtec_root: Path, write_samples: Writer
) -> None:
    root = own_data(tmp_path / "own", write_samples, ["1", "2", "3"])
    good = root / "valve" / "good"
    for part in ("rgb", "xyz"):
        (good / part / "later").mkdir()
        file = next(good.glob(f"{part}/3.*"))
        file.rename(good / part / "later" / file.name)
    message = refusal(root, "folder", "valve")
    assert "good/rgb/later: holds pictures (3.png), and only those in" in message
    masks = mvtec_root / "bagel" / "test" / "hole" / "gt"
    shutil.copytree(masks, masks / "a" / "b")
    assert "hole/gt/a: holds pictures (b/000.png)" in refusal(mvtec_root)


@pytest.mark.parametrize("name", ["@eaDir", "__MACOSX", ".ipynb_checkpoints"])
def test_what_systems_leave_is_no_scan(tmp_path: Path, write_samples: Writer, name: str) -> None:
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    good = root / "valve" / "good"
    for place in (root, root / "valve", good, good / "rgb", good / "xyz"):
        (place / name / "sub").mkdir(parents=True)
        (place / name / "1.png").write_bytes(b"thumbnail")
        (place / name / "sub" / "1.png").write_bytes(b"thumbnail")
    assert list_categories(root) == ["valve"]
    assert counts(list_samples(root, "folder", "valve"))["train/good"] == 1
    assert [path.name for path in paths_left_out(root, "folder", "valve")] == ["notes"]


def test_a_file_for_a_folder_and_a_folder_for_a_file(
    mvtec_root: Path, write_samples: Writer
) -> None:
    good = mvtec_root / "bagel" / "train" / "good"
    (good / "rgb" / "009.png").mkdir()
    assert "rgb/009.png: is a folder; a file is expected" in refusal(mvtec_root)
    (good / "rgb" / "009.png").rmdir()
    (good / "rgb").rename(good / "colour")
    (good / "rgb").write_text("../colour")  # a link, as a system without links unpacks it
    assert "good/rgb: is a file; a folder of that name is expected" in refusal(mvtec_root)
    file = mvtec_root / "scans.zip"
    file.write_text("")
    assert refusal(file).endswith("scans.zip: is a file; give the data set's folder")


@pytest.mark.parametrize("suffix", [".npy", ".exr", ".pgm", ".ply"])
def test_geometry_in_a_format_that_is_not_read_is_named(mvtec_root: Path, suffix: str) -> None:
    xyz = mvtec_root / "bagel" / "train" / "good" / "xyz"
    (xyz / "001.tiff").rename(xyz / f"001{suffix}")
    message = refusal(mvtec_root)
    assert f"xyz/001.tiff; {xyz / f'001{suffix}'} is there, in a format that is not read" in message


def test_masks_are_read_in_every_format_or_refused(mvtec_root: Path) -> None:
    masks = mvtec_root / "bagel" / "test" / "hole" / "gt"
    for name, suffix in (("000", ".TIF"), ("001", ".jpg"), ("002", ".jpeg")):
        (masks / f"{name}.png").rename(masks / f"{name}{suffix}")
    found = [s.gt.name for s in list_samples(mvtec_root, "mvtec3d", "bagel") if s.gt]
    assert found == ["000.TIF", "001.jpg", "002.jpeg"]
    (masks / "001.jpg").rename(masks / "001.bmp")
    assert "gt/001.bmp: not a format that is read here; convert it to one of .png, .tiff" in (
        refusal(mvtec_root)
    )


def test_masks_of_no_format_are_refused_for_own_scans(
    tmp_path: Path, write_samples: Writer
) -> None:
    """Where no mask at all is read, there would be none without a word."""
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    for mask in (root / "valve" / "dent" / "gt").iterdir():
        mask.rename(mask.with_suffix(".bmp"))
    assert "gt/d1.bmp: not a format that is read here" in refusal(root, "folder", "valve")


def test_points_and_depth_of_the_same_scans(tmp_path: Path, write_samples: Writer) -> None:
    """Points are read, and that is said; where there are none, depth is."""
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    good = root / "valve" / "good"
    write_samples(good, ["1", "2", "3"], ("depth",))
    (root / "camera.json").write_text(
        '{"fx": 500, "fy": 500, "cx": 16, "cy": 12, "depth_unit_m": 0.001}'
    )
    assert all(s.depth is None for s in list_samples(root, "folder", "valve"))
    found = {x.path: x.why for x in left_out(root, "folder", "valve")}
    assert found[good / "depth"] == "not read, since points (xyz) are there too"
    for file in (good / "xyz").iterdir():
        file.unlink()
    assert all(s.depth for s in list_samples(root, "folder", "valve") if s.is_good)
    assert good / "depth" not in paths_left_out(root, "folder", "valve")


def test_pictures_among_samples_that_are_not_read_are_named(
    mvtec_root: Path, write_samples: Writer
) -> None:
    good = mvtec_root / "bagel" / "train" / "good"
    write_samples(good / "infrared", ["000"], ("rgb",))
    (good / "overview.png").write_bytes(b"")
    found = {x.path: x.why for x in left_out(mvtec_root, "mvtec3d", "bagel")}
    assert "1 files like it lie beside the folders of images" in found[good / "overview.png"]
    assert "a folder that is not read; those that are: rgb, xyz" in found[good / "infrared"]
    assert len(found) == 2


@pytest.mark.parametrize("layout", ["mvtec3d", "folder"])
def test_a_split_of_another_name_is_not_lost(mvtec_root: Path, layout: str) -> None:
    """The validation split would be carved out of train in silence."""
    category = mvtec_root / "bagel"
    (category / "validation").rename(category / "val")
    message = refusal(mvtec_root, layout)
    assert "bagel/val: holds pictures (good/rgb/000.png) but is no split; allowed:" in message


def test_the_folders_that_are_there_are_named(tmp_path: Path, write_samples: Writer) -> None:
    root = own_data(tmp_path, write_samples, ["1", "2", "3"])
    (root / "valve" / "good").rename(root / "valve" / "Good")
    assert refusal(root, "folder", "valve").endswith("/valve: Good, dent, notes, scratch")


def test_own_splits_without_validation_stay_when_scans_come(
    mvtec_root: Path, write_samples: Writer
) -> None:
    shutil.rmtree(mvtec_root / "bagel" / "validation")
    train = mvtec_root / "bagel" / "train" / "good"
    write_samples(train, [f"{n:03d}" for n in range(30)])
    before = {s.identity for s in list_samples(mvtec_root, "folder", "bagel")}
    assert sum("/validation/" in identity for identity in before) == 3
    write_samples(train, [f"{n:03d}" for n in range(30, 57)])
    assert before <= {s.identity for s in list_samples(mvtec_root, "folder", "bagel")}
