import errno
import fcntl
import io
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import PACKED, damage_named, new_hdf5, open_hdf5

FULL_DISK = """
import resource
import sys
from pathlib import Path

import numpy as np

from dcrdf.files.atomic import replacing
from dcrdf.errors import UserError
from dcrdf.files.hdf5 import new_hdf5

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
written = 0
try:
    with replacing(Path(sys.argv[1])) as aside, new_hdf5(aside) as file:
        for index in range(40):
            file.create_dataset(str(index), data=np.full(50_000, index, np.uint8), chunks=(50_000,))
            file.check()
            written += 1
except UserError as error:
    print(error)
    sys.exit(2)
"""


def test_what_was_written_is_read_by_others(tmp_path):
    path = tmp_path / "new.h5"
    with new_hdf5(path) as file:
        file["values"] = np.arange(10)
        file.check()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["values"][:], np.arange(10))


def test_errors_of_the_block_pass_through(tmp_path):
    with pytest.raises(KeyError, match="mine"), new_hdf5(tmp_path / "new.h5"):
        raise KeyError("mine")


def packed_after(before, values):
    """The stored bytes of values (H, W) that were packed right after others."""
    with h5py.File(io.BytesIO(), "w") as file:
        both = file.create_dataset(
            "a", (2, *values.shape), values.dtype, chunks=(1, *values.shape), **PACKED
        )
        both[0], both[1] = before, values
        file.flush()
        return both.id.read_direct_chunk((1, 0, 0))[1]


def test_equal_values_make_equal_bytes_whatever_was_packed_before():
    y, x = np.mgrid[:128, :128] - 64
    random = np.random.default_rng(0)
    noise = np.packbits(random.random(y.shape) > 0.95, axis=-1)
    disc = np.packbits(np.hypot(y, x) < 40, axis=-1)
    for values in (noise, disc):
        found = set()
        for _ in range(50):
            spoilt = np.where(random.random(values.shape) < 0.1, random.bytes(1)[0], values)
            found.add(packed_after(spoilt.astype(np.uint8), values))
        assert len(found) == 1


@pytest.mark.parametrize("limit_bytes", [0, 1000, 100_000, 1_500_000, 2_000_500])
def test_a_full_disk_is_one_line_and_no_crash(tmp_path, limit_bytes):
    """The largest file size allowed stands in for the space left."""
    path = tmp_path / "new.h5"
    command = [sys.executable, "-c", FULL_DISK, str(path), str(limit_bytes)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout.startswith(f"{path}: cannot write")
    assert ended.stdout.count("\n") == 1
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_read_where_no_lock_is_to_be_had(tmp_path):
    path = tmp_path / "new.h5"
    with new_hdf5(path) as file:
        file["values"] = np.arange(10)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with open_hdf5(path) as file:
            assert file["values"][:].tolist() == list(range(10))


def test_all_files_are_opened_without_locks():
    package = Path(__file__).parents[2] / "dcrdf"
    openers = [path for path in package.rglob("*.py") if "h5py.File(" in path.read_text()]
    assert openers == [package / "files" / "hdf5.py"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EACCES, errno.EIO, errno.ESTALE])
def test_what_the_system_refuses_is_not_called_damage(number):
    with pytest.raises(UserError) as caught, damage_named(Path("a.h5"), "prepare"):
        raise OSError(number, "from inside HDF5")
    assert str(caught.value).startswith("a.h5: cannot read: ")
    assert "damaged" not in str(caught.value)


def test_damage_is_called_damage(tmp_path):
    path = tmp_path / "cut.h5"
    with new_hdf5(path) as file:
        file["values"] = np.arange(1000)
    path.write_bytes(path.read_bytes()[:500])
    for content in (path.read_bytes()[:500], b"no HDF5 at all"):
        path.write_bytes(content)
        wanted = r"cut\.h5: damaged \(.*\); run prepare again"
        with pytest.raises(UserError, match=wanted), damage_named(path, "prepare"):
            open_hdf5(path)
