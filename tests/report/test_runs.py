"""Reading maps.h5: a damaged or foreign file ends in one line that names it."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import fixed_texts, write_attributes
from dcrdf.report.runs import read_run


def test_a_sound_file_is_read(results):
    run = read_run(results.add("full", "nut"))
    assert run.defect == results.defects
    assert run.kinds == ["dent", "stain"]
    assert run.alarms.tolist() == [False] * 3 + [True, True, False, True, True, False]
    assert run.maps("rgb").shape == (9, 32, 32)
    assert run.threshold.validation_images == 8


def write_reasons(files, reasons):
    with h5py.File(files.maps, "a") as file:
        file["test/not_judged"] = fixed_texts(reasons)


def test_what_is_not_judged_is_read(results):
    files = results.add("full", "nut")
    assert read_run(files).not_judged == [""] * 9  # of an older version
    write_reasons(files, ["", "dark", *[""] * 7])
    run = read_run(files)
    assert np.flatnonzero(~run.is_judged).tolist() == [1]


def test_reasons_of_other_images_are_damage(results):
    files = results.add("full", "nut")
    write_reasons(files, ["dark"])
    with pytest.raises(UserError, match=r"maps\.h5: damaged \(not_judged is of 1 images\)"):
        read_run(files)


def change(path: Path, what: str) -> None:
    """Damage the file in one way."""
    with h5py.File(path, "a") as file:
        test = file["test"]
        if what == "no fused":
            del test["fused"]
        elif what == "short scores":
            del test["score_rgb"]
            test["score_rgb"] = np.zeros(3)
        elif what == "short labels":
            del test["label"]
            test["label"] = np.zeros(2, dtype=np.int8)
        elif what == "nan score":
            test["score_fused"][0] = np.nan
        elif what == "no threshold":
            del file.attrs["threshold"]
        elif what == "broken threshold":
            write_attributes(file, {"threshold": "{"})
        elif what == "threshold without rate":
            write_attributes(file, {"threshold": {"threshold": 1.0}})
        elif what == "no group":
            del file["test"]


@pytest.mark.parametrize(
    "what",
    [
        "no fused",
        "short scores",
        "short labels",
        "nan score",
        "no threshold",
        "broken threshold",
        "threshold without rate",
        "no group",
    ],
)
def test_damage_is_named(results, what):
    files = results.add("full", "nut")
    change(files.maps, what)
    with pytest.raises(UserError) as refused:
        read_run(files)
    assert str(refused.value).startswith(f"{files.maps}: ")
    assert " again" in str(refused.value)


@pytest.mark.parametrize("contents", [None, b"", b"not HDF5"])
def test_other_files_are_named(results, contents):
    files = results.add("full", "nut")
    files.maps.unlink()
    if contents is not None:
        files.maps.write_bytes(contents)
    with pytest.raises(UserError) as refused:
        read_run(files)
    assert str(refused.value).startswith(f"{files.maps}: ")


def test_truncated_file_is_named(results):
    files = results.add("full", "nut")
    files.maps.write_bytes(files.maps.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"maps\.h5"):
        read_run(files).maps("fused")
