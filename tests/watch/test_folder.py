"""When a scan that others write is complete, by a clock that the test turns."""

import os

import pytest

from dcrdf.cli.own_scans import OwnScans
from dcrdf.watch.folder import RECHECK_S, DropFolder

SUFFIXES = (".png", ".jpg", ".jpeg")


@pytest.fixture
def place(tmp_path):
    for name in ("rgb", "xyz"):
        (tmp_path / name).mkdir()
    return tmp_path


def watched(place, needed=2, without=None):
    scans = OwnScans(None, None, without)
    return DropFolder(place / "rgb", scans.files_of, needed, SUFFIXES, settle_s=1.0)


def names(found):
    return [one.file.name for one in found]


def write(path, content, changed_ns=None):
    path.write_bytes(content)
    if changed_ns is not None:
        os.utime(path, ns=(changed_ns, changed_ns))


def test_a_scan_is_taken_once_both_files_are_still(place):
    folder = watched(place)
    write(place / "rgb/1.png", b"half")
    assert folder.look(0.0) == []
    assert folder.look(5.0) == []  # no geometry
    write(place / "xyz/1.tiff", b"points")
    assert folder.look(6.0) == []
    assert folder.look(6.9) == []
    write(place / "rgb/1.png", b"half and half")
    assert folder.look(7.0) == []
    assert folder.look(7.9) == []
    (found,) = folder.look(8.0)
    assert (found.file, found.since_s) == (place / "rgb/1.png", 7.0)
    assert found.states.keys() == {str(place / "rgb/1.png"), str(place / "xyz/1.tiff")}
    assert not folder.is_settled
    folder.done(found)
    assert folder.look(9.0) == []
    assert folder.is_settled


def test_a_change_of_time_alone_starts_anew(place):
    folder = watched(place, needed=1)
    write(place / "rgb/1.png", b"same size", 10**18)
    folder.look(0.0)
    write(place / "rgb/1.png", b"size same", 10**18 + 1)
    assert folder.look(1.0) == []
    assert names(folder.look(2.0)) == ["1.png"]


def test_an_empty_file_is_not_a_scan_yet(place):
    folder = watched(place)
    write(place / "rgb/1.png", b"")
    write(place / "xyz/1.tiff", b"points")
    folder.look(0.0)
    assert folder.look(9.0) == []
    folder = watched(place, needed=0)  # --once takes what is there as it is
    folder.look(0.0)
    assert names(folder.look(9.0)) == ["1.png"]


def test_who_waited_longest_is_first(place):
    folder = watched(place, needed=1)
    for at_s, name in enumerate(("b.png", "a.JPG", "c.png")):
        write(place / "rgb" / name, b"x")
        folder.look(0.1 * at_s)
    assert names(folder.look(5.0)) == ["b.png", "a.JPG", "c.png"]


def test_other_files_are_no_scans(place):
    for name in ("notes.txt", ".hidden.png", "1.png.part", "2.tiff", "png"):
        write(place / "rgb" / name, b"x")
    folder = watched(place, needed=0)
    folder.look(0.0)
    assert folder.look(9.0) == []
    assert folder.names == set()


def test_depth_beside_its_colour_image_is_no_scan(place):
    folder = watched(place)
    write(place / "rgb/1.png", b"depth comes first")
    folder.look(0.0)
    write(place / "rgb/1.jpg", b"colour")
    folder.look(1.0)
    assert names(folder.look(9.0)) == ["1.jpg"]


def test_a_scan_that_was_done_comes_again_when_it_changes(place):
    folder = watched(place, needed=1)
    write(place / "rgb/1.png", b"damaged")
    folder.look(0.0)
    (found,) = folder.look(2.0)
    folder.done(found)
    write(place / "rgb/1.png", b"mended now")
    assert not folder.is_as_found(found)
    folder.look(3.0 + RECHECK_S)
    assert names(folder.look(4.0 + RECHECK_S)) == ["1.png"]


def test_a_scan_that_vanishes_is_forgotten(place):
    folder = watched(place, needed=1)
    write(place / "rgb/1.png", b"x")
    folder.look(0.0)
    (place / "rgb/1.png").unlink()
    assert folder.look(9.0) == []
    assert folder.is_settled


def test_who_waits_for_its_other_file_is_named_once(place):
    folder = watched(place)
    write(place / "rgb/1.png", b"x")
    folder.look(0.0)
    assert folder.lonely(29.0) == []
    assert folder.lonely(30.0) == [place / "rgb/1.png"]
    assert folder.lonely(60.0) == []


def test_a_share_that_is_away(place):
    folder = watched(place)
    (place / "rgb").rename(place / "away")
    with pytest.raises(OSError, match="No such file"):
        folder.look(0.0)
