import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dcrdf.config.download import (
    DTD,
    MVTEC_3D_AD,
    TORCHVISION_WEIGHTS,
    DownloadOptions,
    DownloadsOptions,
    FileOptions,
)
from dcrdf.datasets.download import download_archive, fetch_file
from dcrdf.errors import UserError

MARKER = ".dcrdf-download.json"


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        super().do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A web server on this machine: `folder` holds what it offers, `asked` what was asked for."""
    folder = tmp_path / "host"
    folder.mkdir()
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield SimpleNamespace(
        folder=folder, asked=server.asked, url=f"http://127.0.0.1:{server.server_address[1]}"
    )
    server.shutdown()
    server.server_close()
    thread.join()


def offer(host: SimpleNamespace, members: dict[str, bytes], **changes: Any) -> DownloadOptions:
    """Put an archive on the host."""
    path = host.folder / "set.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    values = {"url": f"{host.url}/set.tar.xz", "hash": f"sha256:{digest}", "licence": "CC BY"}
    return DownloadOptions.parse(values | changes, "downloads.dataset")


BAGEL = {"bagel/train/good/rgb/000.png": b"p", "license.txt": b"terms"}


def test_an_archive_becomes_a_folder(
    host: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, into = offer(host, BAGEL), tmp_path / "data" / "mvtec"
    into.mkdir(parents=True)
    assert download_archive(options, into, tmp_path / "cache")
    assert (into / "bagel/train/good/rgb/000.png").read_bytes() == b"p"
    assert (into / MARKER).is_file()
    assert sorted(path.name for path in into.parent.iterdir()) == ["mvtec"]
    assert capsys.readouterr().err.count("licence: CC BY") == 1
    assert not download_archive(options, into, tmp_path / "cache")
    assert host.asked == ["/set.tar.xz"]
    assert "licence" not in capsys.readouterr().err


def test_an_archive_in_the_cache_is_not_fetched_again(
    host: SimpleNamespace, tmp_path: Path
) -> None:
    options = offer(host, BAGEL)
    for name in ("one", "two"):
        assert download_archive(options, tmp_path / name, tmp_path / "cache")
    assert host.asked == ["/set.tar.xz"]


def test_an_inner_folder(host: SimpleNamespace, tmp_path: Path) -> None:
    options = offer(host, {"dtd/images/a.jpg": b"a", "dtd/imdb/x": b"b"}, inner_folder="dtd")
    download_archive(options, tmp_path / "dtd", tmp_path / "cache")
    assert (tmp_path / "dtd" / "images" / "a.jpg").is_file()


def test_own_files_are_not_mixed_with(host: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scan.png").write_text("precious")
    with pytest.raises(UserError, match="mine: holds files that were not downloaded"):
        download_archive(offer(host, BAGEL), tmp_path / "mine", tmp_path / "cache")
    assert host.asked == []


def test_another_archive_in_place_is_refused(host: SimpleNamespace, tmp_path: Path) -> None:
    into = tmp_path / "data"
    download_archive(offer(host, BAGEL), into, tmp_path / "cache")
    other = offer(host, {"tire/a": b"x"})
    with pytest.raises(UserError, match="data: made from another archive"):
        download_archive(other, into, tmp_path / "cache")


def test_a_malicious_archive_leaves_nothing(host: SimpleNamespace, tmp_path: Path) -> None:
    options, into = offer(host, {**BAGEL, "../evil": b"x"}), tmp_path / "data" / "set"
    with pytest.raises(UserError, match="leads out of the folder"):
        download_archive(options, into, tmp_path / "cache")
    assert list((tmp_path / "data").iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_bomb_leaves_nothing(host: SimpleNamespace, tmp_path: Path) -> None:
    options = offer(host, {"zeros": bytes(3_000_000)}, max_unpacked_gb=0.001)
    with pytest.raises(UserError, match="more than is allowed"):
        download_archive(options, tmp_path / "out", tmp_path / "cache")
    assert not (tmp_path / "out").exists()


def test_a_wrong_hash_leaves_nothing(host: SimpleNamespace, tmp_path: Path) -> None:
    options = offer(host, BAGEL, hash="sha256:" + "0" * 64)
    with pytest.raises(UserError, match="wrong content: expected sha256:000"):
        download_archive(options, tmp_path / "out", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_the_name_in_the_cache_is_plain(host: SimpleNamespace, tmp_path: Path) -> None:
    url = f"{host.url}/..%2F..%2Fset.tar.xz?a=/b"
    download_archive(offer(host, BAGEL, url=url), tmp_path / "out", tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name.endswith("-set.tar.xz")


def test_weights_by_the_prefix_of_their_digest(
    host: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (host.folder / "net.pth").write_bytes(b"weights")
    prefix = hashlib.sha256(b"weights").hexdigest()[:8]
    options = FileOptions(url=f"{host.url}/net.pth", hash=f"sha256:{prefix}", licence="BSD")
    assert fetch_file(options, tmp_path / "net.pth")
    assert not fetch_file(options, tmp_path / "net.pth")
    assert capsys.readouterr().err.count("licence: BSD") == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "ftp://host/a.tar"),
        ("url", "file:///etc/passwd"),
        ("hash", "0" * 64),
        ("hash", "sha256:0676ba61"),
        ("hash", "md5:xyz"),
        ("max_unpacked_gb", 0.0),
        ("sha256", "0" * 64),
    ],
)
def test_bad_options_are_named(key: str, value: Any) -> None:
    values = {"url": "https://host/a.tar", "hash": "md5:" + "0" * 32, key: value}
    with pytest.raises(UserError, match=f"downloads.dataset.{key}"):
        DownloadOptions.parse(values, "downloads.dataset")


def test_packaged_sources() -> None:
    assert MVTEC_3D_AD.url.endswith("mvtec_3d_anomaly_detection.tar.xz")
    assert DTD.inner_folder == "dtd"
    own = FileOptions(url="https://host/r.pth", hash="sha256:" + "1" * 64)
    weights = DownloadsOptions(weights={"resnet50": own}).weights
    assert weights["resnet50"] == own
    assert weights["resnet18"] == TORCHVISION_WEIGHTS["resnet18"]
    assert weights["resnet18"].hash == "sha256:f37072fd"
