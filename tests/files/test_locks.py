import errno
import fcntl
import os
from pathlib import Path

import pytest

from dcrdf.errors import UserError
from dcrdf.files.locks import only_writer

NO_LOCKS = [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF]


@pytest.fixture(params=NO_LOCKS, ids=errno.errorcode.get)
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system that refuses flock; returns in which words."""

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    return os.strerror(request.param)


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    refused = pytest.raises(UserError, match="another process is writing to it")
    with only_writer(folder), refused, only_writer(folder):
        pass
    with only_writer(folder):
        pass


def test_without_locks_work_goes_on_and_it_is_said(
    tmp_path: Path, without_locks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_writer(tmp_path / "model"):
        (tmp_path / "model" / "state").write_text("1")
    said = capsys.readouterr().err
    assert f"{tmp_path / 'model'}: files have no locks here ({without_locks})" in said


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = pytest.raises(UserError, match="file/model: cannot write")
    with refused, only_writer(tmp_path / "file" / "model"):
        pass
