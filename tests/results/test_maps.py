"""Maps files that nobody vouches for: one line, and never more memory than the file is long."""

import h5py
import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import fixed_texts, new_hdf5, write_attributes
from dcrdf.results.maps import open_maps


@pytest.fixture
def path(tmp_path):
    """Two images of 8 x 8 pixels."""
    out = tmp_path / "maps.h5"
    with new_hdf5(out) as file:
        write_attributes(
            file, {"stage": "{}", "seed": 0, "threshold": {}, "input_digest": "d1g35t"}
        )
        test = file.create_group("test")
        for name, values in {
            "name": fixed_texts(["000", "001"]),
            "defect": fixed_texts(["good", "dent"]),
            "label": np.array([0, 1], np.int8),
            "score_fused": np.array([0.5, 1.0]),
        }.items():
            test.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
        test.create_dataset("fused", data=np.ones((2, 8, 8), np.float16), chunks=(1, 8, 8))
    return out


def read(path):
    with open_maps(path) as maps:
        return maps.names, maps.is_defect, maps.scores("fused"), maps.maps("fused")


def test_a_sound_file_is_read(path):
    names, is_defect, scores, maps = read(path)
    assert names == ["000", "001"]
    assert is_defect.tolist() == [False, True]
    assert scores.tolist() == [0.5, 1.0]
    assert maps.shape == (2, 8, 8)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "chunks"),
    [
        ("name", (10**13,), "S10", (1000,)),
        ("score_fused", (10**13,), "f8", (1000,)),
        ("label", (10**13,), "i1", (1000,)),
        ("fused", (2, 10**6, 10**6), "f2", (1, 1000, 1000)),
        ("fused", (2, 10**6, 10**6), "f2", None),
    ],
)
def test_a_header_that_promises_terabytes_is_refused(path, name, shape, dtype, chunks):
    with h5py.File(path, "r+") as file:
        del file["test"][name]
        file["test"].create_dataset(name, shape, dtype, chunks=chunks)
    with pytest.raises(UserError, match=r"maps\.h5: damaged \(.*stored in part only"):
        read(path)


@pytest.mark.parametrize("name", ["stage", "seed", "input_digest"])
def test_maps_that_do_not_say_what_they_were_made_from_are_damaged(path, name):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
    with pytest.raises(UserError, match=rf"maps\.h5: damaged .*{name}.*; run `dcrdf infer` again"):
        read(path)


def test_labels_are_nought_or_one(path):
    with h5py.File(path, "r+") as file:
        file["test/label"][:] = 7
    with pytest.raises(UserError, match="neither 0 nor 1"):
        read(path)
