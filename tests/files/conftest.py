import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    """float32 (60, 50, 3): a smooth surface with noise and missing points of every kind."""
    rng = np.random.default_rng(1)
    points = np.cumsum(rng.normal(0, 1e-3, (60, 50, 3)), axis=0).astype(np.float32)
    points[5, 5] = 0
    points[6, 6] = np.nan
    points[7, 7] = np.inf
    return points


COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "strips": {"rowsperstrip": 7},
    "lzw": {"compression": "lzw", "rowsperstrip": 9},
    "lzw, predictor 3": {"compression": "lzw", "predictor": 3},
    "deflate": {"compression": "zlib"},
    "deflate, predictor 2": {"compression": "zlib", "predictor": 2},
    "deflate, predictor 3": {"compression": "zlib", "predictor": 3, "rowsperstrip": 10},
    "packbits": {"compression": "packbits"},
    "tiles": {"compression": "zlib", "tile": (32, 32)},
    "planes": {"planarconfig": "separate", "rowsperstrip": 11},
    "big-endian": {"byteorder": ">"},
    "bigtiff": {"bigtiff": True},
}


@pytest.fixture(params=COMPRESSIONS)
def compression(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def write_tiff() -> Callable[[Path, np.ndarray, str], None]:
    """Write float32 points in one of the ways that other programs do."""

    def write(path: Path, points: np.ndarray, compression: str) -> None:
        options = dict(COMPRESSIONS[compression])
        byteorder, bigtiff = options.pop("byteorder", "<"), options.pop("bigtiff", False)
        pixels = points.transpose(2, 0, 1) if "planarconfig" in options else points
        as_integers = options.get("predictor") == 2
        with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as file:
            file.write(
                np.ascontiguousarray(pixels).view(np.int32) if as_integers else pixels,
                photometric="rgb",
                metadata=None,
                **options,
            )
        if as_integers:  # the writer knows predictor 2 for integers only; other programs do not
            with tifffile.TiffFile(path, mode="r+b") as file:
                file.pages[0].tags["SampleFormat"].overwrite((3, 3, 3))

    return write


class Web:
    """A web server on 127.0.0.1 whose faults can be chosen."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.requests: list[dict[str, str]] = []
        self.failures: list[int] = []
        """Status codes of the next answers."""
        self.cut_after: list[int] = []
        """After how many bytes the next answers break off."""
        self.ranges = True
        self.validators = True
        self.bytes_sent = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.requests.append({"path": request.path, "range": asked})
        if self.failures:
            request.send_error(self.failures.pop(0))
        elif request.path in self.redirects:
            request.send_response(302)
            request.send_header("Location", self.redirects[request.path])
            request.end_headers()
        elif request.path not in self.files:
            request.send_error(404)
        else:
            self._send(request, self.files[request.path], asked)

    def _send(self, request: BaseHTTPRequestHandler, content: bytes, asked: str) -> None:
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if request.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        if self.validators:
            request.send_header("ETag", tag)
        request.end_headers()
        length = self.cut_after.pop(0) if self.cut_after else len(content)
        body = content[start : start + length]
        self.bytes_sent += len(body)
        request.wfile.write(body)
        request.close_connection = True


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server on this machine, running."""
    server = Web()
    yield server
    server.close()
