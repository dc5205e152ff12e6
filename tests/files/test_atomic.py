import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing, replacing_folder


def test_replacing_shows_nothing_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "table.csv"
    with replacing(target) as aside:
        aside.write_text("a")
        assert not target.exists()
        assert aside.suffix == ".csv"
        assert aside.parent == target.parent
        assert aside.name.startswith(".")
    assert target.read_text() == "a"
    assert list(target.parent.iterdir()) == [target]


def write_and_fail(target: Path, failure: BaseException) -> None:
    with replacing(target) as aside:
        aside.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt()])
def test_replacing_keeps_the_old_file_on_failure(tmp_path: Path, failure: BaseException) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(type(failure)):
        write_and_fail(target, failure)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_disk_full_names_the_target(tmp_path: Path) -> None:
    target = tmp_path / "maps.h5"
    with pytest.raises(UserError, match=r"maps\.h5: cannot write: No space left"):
        write_and_fail(target, OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "below.json"
    with pytest.raises(UserError, match="cannot write"), replacing(target):
        pytest.fail("the body must not run")


def test_a_folder_in_the_way_is_a_user_error(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    (target / "child").mkdir(parents=True)
    with pytest.raises(UserError, match="taken: cannot write"), replacing(target) as aside:
        aside.write_text("x")
    assert (target / "child").is_dir()


def test_an_input_missing_in_the_body_is_named_itself(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"input\.bin"), replacing(tmp_path / "out.bin") as aside:
        aside.write_bytes((tmp_path / "input.bin").read_bytes())


def test_replacing_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    with replacing_folder(target) as aside:
        (aside / "weights").write_text("w")
        assert not target.exists()
    assert (target / "weights").read_text() == "w"
    assert list(target.parent.iterdir()) == [target]


def fill_folder_and_fail(target: Path) -> None:
    with replacing_folder(target) as aside:
        (aside / "weights").write_text("w")
        raise RuntimeError


def test_replacing_folder_leaves_nothing_on_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fill_folder_and_fail(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_replacing_folder_takes_an_empty_folder(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    with replacing_folder(target) as aside:
        (aside / "weights").write_text("w")
    assert (target / "weights").is_file()
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_folder_refuses_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    (target / "mine").write_text("precious")
    with pytest.raises(UserError, match="data: is already there"), replacing_folder(target):
        pytest.fail("the body must not run")
    assert (target / "mine").read_text() == "precious"


def test_replacing_folder_overwrites_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    (target / "old").write_text("")
    with pytest.raises(RuntimeError), replacing_folder(target, overwrite=True):
        raise RuntimeError
    assert (target / "old").is_file()
    with replacing_folder(target, overwrite=True) as aside:
        (aside / "new").write_text("")
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_files_have_the_mode_of_the_users_umask(tmp_path):
    """Whatever the writer chose: results on a shared disk are for the group too."""
    path = tmp_path / "result.bin"
    before = os.umask(0o027)
    try:
        with replacing(path) as aside:
            aside.write_bytes(b"x")
            aside.chmod(0o600)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def kill_while_writing(target: Path, manager: str) -> None:
    """A process that is killed in the body."""
    code = (
        "import os, sys, pathlib, dcrdf.files.atomic as a\n"
        f"with a.{manager}(pathlib.Path(sys.argv[1])) as aside:\n"
        "    (aside / 'half' if aside.is_dir() else aside).write_text('half')\n"
        "    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(target.parent.iterdir())) == 1


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    table = tmp_path / "a" / "table [1].csv"
    kill_while_writing(table, "replacing")
    with replacing(table) as aside:
        aside.write_text("whole")
    assert list(table.parent.iterdir()) == [table]

    folder = tmp_path / "b" / "folder"
    kill_while_writing(folder, "replacing_folder")
    with replacing_folder(folder) as aside:
        (aside / "whole").write_text("")
    assert list(folder.parent.iterdir()) == [folder]


def test_what_others_are_writing_stays(tmp_path: Path) -> None:
    """The same output on this host and on another, and an output of a longer name."""
    table = tmp_path / "table.csv"
    with replacing(table) as aside:
        mine = aside.name
        aside.write_text("")
    others = [
        mine.replace(f"-{os.getpid()}.", f"-{os.getppid()}."),
        mine.replace(".table.", ".table.x."),
        mine.replace(".table.", ".table.otherhost"),
        ".table.part.csv",
    ]
    for name in others:
        (tmp_path / name).write_text("")
    with replacing(table) as aside:
        aside.write_text("")
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", *others}


def test_leftovers_go_however_deep(tmp_path: Path) -> None:
    """What older versions left of an archive of folders in folders."""
    target = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with replacing_folder(target) as aside:
        leftover = aside.name.replace(f"-{os.getpid()}.", f"-{process.pid}.")
    deepest = tmp_path / leftover / ("d/" * 1500)
    place = tmp_path / leftover
    place.mkdir()
    for _ in range(1500):
        place = place / "d"
        place.mkdir()
    (place / "f").write_text("x")
    assert place == deepest
    (tmp_path / leftover / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    target.rmdir()
    with replacing_folder(target):
        pass
    assert not (tmp_path / leftover).exists()
    assert (tmp_path / "kept" / "file").exists()
