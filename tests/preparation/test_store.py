from pathlib import Path

import h5py
import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import new_hdf5, write_attributes
from dcrdf.preparation.layout import FIELDS
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.store import open_prepared
from dcrdf.preparation.writer import SplitWriter

ARRAYS = ("rgb", "depth", "valid", "foreground", "gt", "label", "native_size", "plane")


def test_names_keep_their_letters(path):
    with open_prepared(path) as prepared:
        assert prepared.split("test").name == ["000 ä", "001 ä", "002 ä"]
        assert prepared.split("test").defect == ["good"] * 3


def made_split(writer, count, generator):
    for _ in range(count):
        masks = {name: generator.random((64, 64)) < 0.5 for name in ("valid", "foreground", "gt")}
        images = {
            "rgb": generator.integers(0, 256, (64, 64, 3), np.uint8),
            "depth": generator.random((64, 64), np.float32),
        }
        writer.append(images | masks, generator.random((70, 50)) < 0.1)
    shares = [0.5] * count
    writer.close(
        {
            "label": [0] * count,
            "mask_known": [True] * count,
            "defect": ["good"] * count,
            "name": [f"{index:03d} ä" for index in range(count)],
            "native_size": [(70, 50)] * count,
            "plane": [(0.0, 0.0, -1.0, 0.5)] * count,
            "plane_replaced": [False] * count,
            "plane_inlier_share": shares,
            "missing_share": shares,
            "foreground_share": shares,
        }
    )


@pytest.fixture
def path(options, tmp_path) -> Path:
    """A sound prepared file: 4 train, 2 validation, 3 test samples."""
    out = tmp_path / "a.h5"
    generator = np.random.default_rng(0)
    with new_hdf5(out) as file:
        for split, count in (("train", 4), ("validation", 2), ("test", 3)):
            writer = SplitWriter(file, split, room=count + 1, image_size=64)
            made_split(writer, count, generator)
        attributes = {
            "category": "a",
            "stage": "{}",
            "options": options.model_dump(mode="json"),
            "constants": PreparationConstants("part", 0.0, 0.01, (0.0, 0.0, -1.0, 0.5)).to_dict(),
            "summary": {},
            "skipped": [],
            "input_digest": "0",
        }
        write_attributes(file, attributes)
    return out


def read_everything(path):
    """All arrays of all splits."""
    with open_prepared(path) as prepared:
        found = []
        for split in map(prepared.split, ("train", "validation", "test")):
            found.extend(getattr(split, name) for name in ARRAYS)
            found.append(np.array([*split.name, *split.defect]))
        test = prepared.split("test")
        found.extend(test.native_gt(index) for index in range(len(test)))
        found.append(np.array(repr((prepared.constants, prepared.options, prepared.stage))))
    return found


def refused(path, match="run prepare again"):
    with pytest.raises(UserError, match=match) as caught:
        read_everything(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_types_and_shapes_are_as_documented(path):
    with open_prepared(path) as prepared:
        train = prepared.split("train")
        assert train.rgb.dtype == np.uint8
        assert train.depth.dtype == np.float32
        assert train.valid.dtype == train.foreground.dtype == train.gt.dtype == np.bool_
        assert train.label.dtype == np.int8
        assert train.rgb.shape == (4, 64, 64, 3)
        assert train.depth.shape == train.gt.shape == (4, 64, 64)
        assert train.rgb is train.rgb
    with h5py.File(path) as file:
        assert file["test/depth"].chunks == (1, 64, 64)


def test_no_such_file(tmp_path):
    with (
        pytest.raises(UserError, match="nothing.h5: no such file"),
        open_prepared(tmp_path / "nothing.h5"),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_other_files_are_refused(path, content):
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path)


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if not field.optional])
def test_missing_arrays_are_refused(path, name):
    with h5py.File(path, "a") as file:
        del file["validation"][name]
    refused(path)


@pytest.mark.parametrize(
    "name", ["category", "stage", "options", "constants", "skipped", "summary", "input_digest"]
)
def test_missing_attributes_are_refused(path, name):
    with h5py.File(path, "a") as file:
        del file.attrs[name]
    refused(path)


@pytest.mark.parametrize("name", ["stage", "options", "constants", "skipped"])
def test_nonsense_attributes_are_refused(path, name):
    with h5py.File(path, "a") as file:
        file.attrs[name] = "{nonsense"
    refused(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("constants", '{"mode": "flat"}'),
        ("options", '{"image_size": 63}'),
        ("options", '{"unknown": 1}'),
        ("skipped", "[1]"),
        ("stage", "\udcff"),
    ],
)
def test_impossible_attributes_are_refused(path, name, text):
    with h5py.File(path, "a") as file:
        file.attrs[name] = np.bytes_(text.encode(errors="surrogateescape"))
    refused(path, ".")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("depth", np.zeros((4, 64, 32), np.float32)),
        ("depth", np.zeros((4, 64, 64), np.float64)),
        ("rgb", np.zeros((3, 64, 64, 3), np.uint8)),
        ("label", np.zeros((4, 1), np.int8)),
        ("name", np.zeros(4, np.int64)),
    ],
)
def test_wrong_shapes_and_types_are_refused(path, name, values):
    with h5py.File(path, "a") as file:
        del file["train"][name]
        file["train"].create_dataset(name, data=values)
    refused(path)


@pytest.mark.parametrize(("name", "kind"), [("xyz", np.float32), ("normals", np.float16)])
@pytest.mark.parametrize("value", [0.25, np.nan, np.inf])
def test_points_and_normals_are_numbers(path, name, kind, value):
    values = np.full((4, 64, 64, 3), 0.5, kind)
    values[2, 3, 4, 1] = value
    with h5py.File(path, "a") as file:
        file["train"].create_dataset(name, data=values, chunks=(1, 64, 64, 3))
    with open_prepared(path) as prepared:
        split = prepared.split("train")
        if np.isfinite(value):
            np.testing.assert_array_equal(getattr(split, name), values)
        else:
            with pytest.raises(UserError, match=f"train/{name}.*run prepare again"):
                getattr(split, name)
        absent = {"xyz": "holds no points", "normals": "holds no normals"}[name]
        with pytest.raises(UserError, match=absent):
            getattr(prepared.split("test"), name)


def test_a_header_that_promises_terabytes_is_refused(path):
    with h5py.File(path, "a") as file:
        for name in ("rgb", "depth", "valid", "foreground", "gt"):
            file["train"][name].resize(1_000_000, axis=0)
        for name, field in FIELDS.items():
            if not field.per_sample and name in file["train"]:
                del file["train"][name]
                shape = (1_000_000, *field.axes(0))
                dtype = "S4" if field.is_text else field.dtype
                file["train"].create_dataset(name, shape, dtype, chunks=shape)
    refused(path, "stored in part only")


@pytest.mark.parametrize("kind", ["external", "soft"])
@pytest.mark.parametrize(
    "name", ["train", "train/depth", "test/native_gt", "test/native_gt/000000"]
)
def test_links_are_not_followed(path, tmp_path, kind, name):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = (
            h5py.ExternalLink(str(other), f"/{name}") if kind == "external" else h5py.SoftLink("/x")
        )
    refused(path, "link to elsewhere")


def test_data_in_other_files_are_refused(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(200)))
    with h5py.File(path, "a") as file:
        del file["train/label"]
        file["train"].create_dataset("label", (4,), np.int8, external=[(str(secret), 0, 4)])
    refused(path, "another file")
    with h5py.File(path, "a") as file:
        del file["train/label"]
        layout = h5py.VirtualLayout((4,), np.int8)
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "label", (4,))
        file["train"].create_virtual_dataset("label", layout)
    refused(path, "another file")


def test_a_native_mask_must_fit_its_image(path):
    with h5py.File(path, "a") as file:
        del file["test/native_gt/000001"]
        file["test/native_gt"].create_dataset("000001", data=np.zeros((8, 8), np.bool_))
    refused(path, "native_size")


def test_flipped_bytes_are_noticed_or_harmless(path):
    sound = read_everything(path)
    data = path.read_bytes()
    generator = np.random.default_rng(0)
    complaints = []
    for _ in range(60):
        damaged = bytearray(data)
        for position in generator.integers(0, len(data), 3):
            damaged[position] ^= int(generator.integers(1, 256))
        path.write_bytes(damaged)
        try:
            found = read_everything(path)
        except UserError as error:
            complaints.append(str(error))
            continue
        for one, two in zip(sound, found, strict=True):
            np.testing.assert_array_equal(one, two)
    assert len(complaints) > 30
    assert all(line.startswith(str(path)) for line in complaints)


@pytest.mark.parametrize("size", [(200_000, 200_000), (2**31 - 1, 2**31 - 1), (-5, 0), (0, 50)])
def test_sizes_that_no_scan_has_are_refused(path, size):
    with h5py.File(path, "r+") as file:
        file["test/native_size"][:] = [size] * 3
    with open_prepared(path) as prepared, pytest.raises(UserError, match=str(path)):
        _ = prepared.split("test").native_size


def test_a_native_mask_that_is_not_there_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["test/native_gt/000000"]
        file["test/native_gt"].create_dataset(
            "000000", (70, 50), np.bool_, chunks=(10, 10), compression="gzip"
        )
    with open_prepared(path) as prepared, pytest.raises(UserError, match="stored in part only"):
        prepared.split("test").native_gt(0)


def test_labels_are_nought_or_one(path):
    with h5py.File(path, "r+") as file:
        file["test/label"][:] = 7
    with open_prepared(path) as prepared, pytest.raises(UserError, match="neither 0 nor 1"):
        _ = prepared.split("test").label
