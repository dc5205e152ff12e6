import os
from pathlib import Path

import pytest

from dcrdf.errors import UserError
from dcrdf.files import contents
from dcrdf.files.contents import Contents
from dcrdf.files.digests import sha256_of_file


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read."""
    files: list[Path] = []

    def digest(path: Path) -> str:
        files.append(path)
        return sha256_of_file(path)

    monkeypatch.setattr(contents, "sha256_of_file", digest)
    return files


def digest_of(path: Path, memory: Path) -> str:
    digest = Contents(memory)
    found = digest(path)
    digest.keep()
    return found


def test_a_file_is_read_once(tmp_path: Path, read: list[Path]) -> None:
    path, memory = tmp_path / "a", tmp_path / "results" / "memory.json"
    path.write_text("1")
    first = digest_of(path, memory)
    assert digest_of(path, memory) == first == sha256_of_file(path)
    assert read == [path]


@pytest.mark.parametrize("way", ["written", "replaced", "restored"])
def test_what_has_another_content_is_seen_whatever_its_times(
    tmp_path: Path, read: list[Path], way: str
) -> None:
    path, memory = tmp_path / "a", tmp_path / "memory.json"
    path.write_text("1")
    os.utime(path, ns=(10**18, 10**18))
    before = digest_of(path, memory)
    if way == "replaced":
        (tmp_path / "b").write_text("2")
        (tmp_path / "b").replace(path)
    else:
        path.write_text("2")
    if way == "restored":
        os.utime(path, ns=(10**18, 10**18))
    assert digest_of(path, memory) == sha256_of_file(path) != before


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 5}', "{"])
def test_a_damaged_memory_is_none(tmp_path: Path, content: str) -> None:
    path, memory = tmp_path / "a", tmp_path / "memory.json"
    path.write_text("1")
    memory.write_text(content.replace('"a"', f'"{path}"'))
    assert digest_of(path, memory) == sha256_of_file(path)


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    assert digest_of(path, path / "memory.json") == sha256_of_file(path)
    with pytest.raises(UserError, match="gone: cannot read"):
        Contents(tmp_path / "memory.json")(tmp_path / "gone")
