"""What `prepare` warned of is found again in its files."""

import shutil

import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.errors import UserError
from dcrdf.files.images import read_xyz, write_xyz
from dcrdf.preparation.prepare import prepare_category
from dcrdf.results.warnings import prepare_warnings


def test_warnings_name_the_category_and_stand_once(make_scans, tmp_path):
    root = make_scans(tmp_path / "data", ("nut",))
    out, sound = tmp_path / "a.h5", tmp_path / "sound.h5"
    options = PrepareOptions(image_size=64)
    samples = list_samples(root, "mvtec3d", "nut", {})
    prepare_category(samples, options, sound, "{}", 1)
    xyz = read_xyz(samples[0].xyz)
    xyz[:4, :4, 2] = 90.0
    write_xyz(samples[0].xyz, xyz)
    prepare_category(samples, options, out, "{}", 1)
    shutil.copy(out, tmp_path / "b.h5")
    assert prepare_warnings([sound]) == []
    files = [sound, out, out, tmp_path / "b.h5", tmp_path / "absent.h5"]
    assert prepare_warnings(files) == [
        "nut: 16 points farther than 50 m taken as missing, in 1 scans (nut/train/good/000)"
    ]
    out.write_bytes(b"no HDF5")
    with pytest.raises(UserError, match=r"a\.h5"):
        prepare_warnings([out])
