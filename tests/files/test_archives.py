import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files import archives
from dcrdf.files.archives import unpack

Entry = tuple[str | tarfile.TarInfo, bytes | None]
GOOD: list[Entry] = [
    ("set/", None),
    ("set/rgb/000.png", b"pixels"),
    ("set/xyz/000.tiff", bytes(range(256)) * 40),
    ("license.txt", b"terms"),
]


def as_info(entry: Entry) -> tarfile.TarInfo:
    name, content = entry
    if isinstance(name, tarfile.TarInfo):
        return name
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    info.size = len(content or b"")
    return info


def write_tar(path: Path, entries: Iterable[Entry]) -> None:
    kind = {".gz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w:")
    with tarfile.open(path, kind) as tar:
        for entry in entries:
            tar.addfile(as_info(entry), io.BytesIO(entry[1] or b""))


def write_zip(path: Path, entries: Iterable[Entry]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries:
            packed.writestr(str(name), content or b"")


Packer = Callable[[Path, Iterable[Entry]], None]
KINDS: list[tuple[str, Packer]] = [
    ("a.tar", write_tar),
    ("a.tar.gz", write_tar),
    ("a.tar.xz", write_tar),
    ("a.tar.bz2", write_tar),
    ("a.zip", write_zip),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind[0])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[Entry]], Path]:
    name, writer = request.param

    def pack(entries: list[Entry]) -> Path:
        writer(tmp_path / name, entries)
        return tmp_path / name

    return pack


def tree(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


def assert_refused(archive: Path, match: str, **limits: int) -> None:
    into = archive.parent / "out"
    before = set(archive.parent.parent.rglob("*"))
    with pytest.raises(UserError, match=match) as caught:
        unpack(archive, into, **limits)
    assert archive.name in str(caught.value)
    assert set(archive.parent.parent.rglob("*")) == before


def test_everything_arrives(packed: Callable[[list[Entry]], Path], tmp_path: Path) -> None:
    assert unpack(packed(GOOD), tmp_path / "out") == 3
    assert tree(tmp_path / "out") == {str(name): content for name, content in GOOD if content}


def test_an_inner_folder_is_taken_alone(
    packed: Callable[[list[Entry]], Path], tmp_path: Path
) -> None:
    assert unpack(packed(GOOD), tmp_path / "out", inner_folder="set") == 2
    assert set(tree(tmp_path / "out")) == {"rgb/000.png", "xyz/000.tiff"}


def test_a_wrong_inner_folder_is_an_error(packed: Callable[[list[Entry]], Path]) -> None:
    archive = packed(GOOD)
    with pytest.raises(UserError, match="holds no files below 'other'"):
        unpack(archive, archive.parent / "out", inner_folder="other")
    assert not (archive.parent / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "set/../../evil",
        "/evil",
        "set/..",
        "a\nb",
        "a\x1b[31m",
        "..\\evil",
        "C:\\evil",
        "c:evil",
    ],
)
def test_names_that_lead_out_are_refused(packed: Callable[[list[Entry]], Path], name: str) -> None:
    assert_refused(packed([*GOOD, (name, b"x")]), "leads out of the folder")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../outside"),
        (tarfile.SYMTYPE, "rgb"),
        (tarfile.LNKTYPE, "license.txt"),
        (tarfile.LNKTYPE, "../../outside"),
        (tarfile.CHRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    link = tarfile.TarInfo("set/link")
    link.type, link.linkname = kind, target
    write_tar(tmp_path / "a.tar", [*GOOD, (link, None), ("set/link/evil", b"x")])
    assert_refused(tmp_path / "a.tar", "link or a special file")


def test_zip_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    assert_refused(tmp_path / "a.zip", "link or a special file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_in_each_others_place_are_refused(
    packed: Callable[[list[Entry]], Path],
) -> None:
    assert_refused(packed([("a", b"1"), ("a", b"2")]), "is there twice")
    assert_refused(packed([("a", b"1"), ("a/b", b"2")]), "lies where a file already is")
    assert_refused(packed([("a/b", b"1"), ("a", b"2")]), "is there twice")


def test_too_many_members_are_refused(packed: Callable[[list[Entry]], Path]) -> None:
    archive = packed([(f"{number}", b"x") for number in range(11)])
    assert_refused(archive, "more than 10 members", max_members=10)


def test_too_many_bytes_are_refused(packed: Callable[[list[Entry]], Path]) -> None:
    archive = packed([("a", b"x" * 600), ("b", b"x" * 600)])
    assert_refused(archive, "more than is allowed", max_bytes=1_000)


def test_bombs_are_refused_by_their_ratio(
    packed: Callable[[list[Entry]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "HARMLESS_BYTES", 50_000)
    monkeypatch.setattr(archives, "MAX_RATIO", 3)
    archive = packed([("zeros", bytes(40_000)), ("more", bytes(5_000_000))])
    if archive.suffix != ".tar":
        assert_refused(archive, "more than is allowed")


def test_a_zip_that_declares_too_little_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", [("zeros", bytes(100_000))])
    content = (tmp_path / "a.zip").read_bytes()
    small = content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(small)
    assert_refused(tmp_path / "a.zip", "damaged")


def test_endless_headers_are_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = 3_000_000
    write_tar(tmp_path / "a.tar.xz", [(header, bytes(header.size)), ("a", b"x")])
    assert_refused(tmp_path / "a.tar.xz", "extended header is too long")


def test_every_truncation_is_noticed(packed: Callable[[list[Entry]], Path]) -> None:
    noise = np.random.default_rng(0).bytes(6_000)
    archive = packed([("a", noise), ("b", noise[:3_000])])
    content = archive.read_bytes()
    lengths = [0, 1, 3, *range(5, len(content), 1_511), len(content) - 1]
    if archive.suffix == ".tar":
        end_of_a = 512 + 6_144
        end_of_b = end_of_a + 512 + 3_072
        lengths = [0, 1, 600, end_of_a, end_of_a + 400, end_of_b - 1, end_of_b]
    for length in lengths:
        archive.write_bytes(content[:length])
        assert_refused(archive, "truncated|damaged|cannot be unpacked")


def test_damage_is_noticed_where_there_is_a_checksum(
    packed: Callable[[list[Entry]], Path],
) -> None:
    noise = np.random.default_rng(0).bytes(6_000)
    archive = packed([("a", noise)])
    content = bytearray(archive.read_bytes())
    content[2_000] ^= 4
    archive.write_bytes(content)
    if archive.suffix != ".tar":
        assert_refused(archive, "truncated|damaged|cannot be unpacked")


def test_encrypted_and_missing_archives(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", [("a", b"x")])
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert_refused(tmp_path / "a.zip", "encrypted")
    with pytest.raises(UserError, match=r"gone\.tar: cannot read"):
        unpack(tmp_path / "gone.tar", tmp_path / "out")


def test_what_is_there_is_not_touched(
    packed: Callable[[list[Entry]], Path], tmp_path: Path
) -> None:
    archive = packed(GOOD)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("precious")
    with pytest.raises(UserError, match="out: is already there"):
        unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine": b"precious"}


@pytest.mark.parametrize("depth", [65, 1900])
def test_folders_without_end_are_refused(packed: Callable[[list[Entry]], Path], depth: int) -> None:
    deep = ("d/" * depth + "f", b"x")
    assert_refused(packed([*GOOD, deep]), "d/d/d/... lies in more than 64 folders")


def test_deep_folders_arrive(packed: Callable[[list[Entry]], Path], tmp_path: Path) -> None:
    assert unpack(packed([("d/" * 63 + "f", b"x")]), tmp_path / "out") == 1
