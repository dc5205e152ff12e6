import errno
import fcntl
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from dcrdf.errors import UserError
from dcrdf.files import fetch
from dcrdf.files.fetch import fetch_file

CONTENT = bytes(range(256)) * 4_000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "RETRY_WAIT_S", 0.0)
    monkeypatch.setattr(fetch, "_BLOCK_BYTES", 10_000)


def note_source(path: Path, url: str) -> None:
    path.write_text(json.dumps({"url": url, "validator": ""}))


def assert_only(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.mark.parametrize("digest", [SHA256, SHA256[:15], "md5:" + hashlib.md5(CONTENT).hexdigest()])
def test_a_file_arrives_whole(web: Any, tmp_path: Path, digest: str) -> None:
    web.files["/w.pth"] = CONTENT
    out = tmp_path / "cache" / "w.pth"
    assert fetch_file(web.url("/w.pth"), digest, out)
    assert out.read_bytes() == CONTENT
    assert_only(out.parent, "w.pth")
    assert not fetch_file(web.url("/w.pth"), digest, out)
    assert len(web.requests) == 1


def test_a_cut_transfer_is_resumed_at_once(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.cut_after = [300_000, 200_000]
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    starts = [int(r["range"].removeprefix("bytes=").rstrip("-")) for r in web.requests[1:]]
    assert web.requests[0]["range"] == ""
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1]
    assert web.bytes_sent < 1.2 * len(CONTENT)


def test_a_killed_download_is_resumed_by_the_next_call(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.cut_after = [400_000, *[0] * 10]
    with pytest.raises(UserError, match="broke off|ended early|transfer failed"):
        fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert_only(tmp_path, "a.part", "a.part.json")
    there = (tmp_path / "a.part").stat().st_size
    assert there > 0
    web.requests.clear()
    web.cut_after = []
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert web.requests[0]["range"] == f"bytes={there}-"
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert_only(tmp_path, "a")


def test_a_server_without_ranges_sends_all_again(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.ranges = False
    web.cut_after = [500_000]
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(web.requests) == 2


def test_a_file_that_changed_meanwhile_is_fetched_anew(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = b"old" * 300_000
    web.cut_after = [400_000, *[0] * 10]
    with pytest.raises(UserError):
        fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    web.files["/a"] = CONTENT
    web.cut_after = []
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_part_of_something_else_is_given_up(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.validators = False
    (tmp_path / "a.part").write_bytes(b"rubbish")
    note_source(tmp_path / "a.part.json", web.url("/a"))
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [r["range"] for r in web.requests] == ["bytes=7-", ""]


@pytest.mark.parametrize("extra", [0, 10])
def test_a_part_that_is_whole_or_too_long(web: Any, tmp_path: Path, extra: int) -> None:
    web.files["/a"] = CONTENT
    (tmp_path / "a.part").write_bytes(CONTENT + bytes(extra))
    note_source(tmp_path / "a.part.json", web.url("/a"))
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert_only(tmp_path, "a")


def test_a_wrong_digest_removes_the_file(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = b"<html>please log in</html>"
    got = hashlib.sha256(web.files["/a"]).hexdigest()
    with pytest.raises(UserError) as caught:
        fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    message = str(caught.value)
    assert message.startswith(web.url("/a"))
    assert f"expected {SHA256}, got sha256:{got}" in message
    assert_only(tmp_path)


def test_a_wrong_file_in_place_is_not_overwritten(web: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(UserError, match="remove it"):
        fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"
    assert web.requests == []


def test_not_found_says_so_at_once(web: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/gone: the server answers 404 .*new address"):
        fetch_file(web.url("/gone"), SHA256, tmp_path / "a")
    assert len(web.requests) == 1
    assert_only(tmp_path)


def test_a_busy_server_is_asked_again(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.failures = [503, 500]
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    web.failures = [503] * 10
    with pytest.raises(UserError, match="the server answers 503"):
        fetch_file(web.url("/a"), SHA256, tmp_path / "b")


def test_redirects_are_followed(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    web.redirects["/moved"] = "/a"
    assert fetch_file(web.url("/moved"), SHA256, tmp_path / "a")


def test_no_connection_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a"
        with pytest.raises(UserError, match="the connection is refused") as caught:
            fetch_file(url, SHA256, tmp_path / "a")
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)


def test_two_downloads_of_one_file_do_not_mix(web: Any, tmp_path: Path) -> None:
    web.files["/a"] = CONTENT
    with (tmp_path / "a.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another download is writing"):
            fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert web.requests == []


def test_a_download_where_files_have_no_locks(
    web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    web.files["/a"] = CONTENT
    assert fetch_file(web.url("/a"), SHA256, tmp_path / "a")
    assert "files have no locks here (No locks available)" in capsys.readouterr().err


def test_an_unwritable_place(web: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        fetch_file(web.url("/a"), SHA256, tmp_path / "file" / "a")
