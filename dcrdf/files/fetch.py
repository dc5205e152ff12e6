"""Files over HTTP: resumed after a break, checked by their digest, there only when whole."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError as TransportError

from dcrdf.errors import UserError
from dcrdf.files.digests import digest_of_file
from dcrdf.files.jsonfile import read_json, write_json
from dcrdf.files.locks import try_lock

ATTEMPTS = 5
RETRY_WAIT_S = 2.0
TIMEOUT_S = (10.0, 60.0)
_BLOCK_BYTES = 1 << 20


def fetch_file(url: str, digest: str, out: Path) -> bool:
    """Download `url` to `out` and return True; return False when the right file is there already.

    Args:
        url: http or https address.
        digest: `sha256:HEX` (8 digits or more of it) or `md5:HEX`.
        out: the file; beside it, `out`.part and `out`.part.json keep what a break left over.

    A broken transfer is taken up again, at once and in later calls, when the server offers byte
    ranges and the file has not changed there. `UserError` names the address or file: not found, no
    connection, wrong digest (the bad file is removed), no space.
    """
    if out.is_file():
        if digest_matches(out, digest):
            return False
        raise UserError(f"{out}: not the file of {url} (expected {digest}); remove it")
    part = out.with_name(out.name + ".part")
    with _writing(part) as file:
        resumed = _transfer_all(url, file, part)
        if resumed and not digest_matches(part, digest):
            file.truncate(0)
            _notes(part).unlink(missing_ok=True)
            _transfer_all(url, file, part)
    _notes(part).unlink(missing_ok=True)
    got = f"{digest.partition(':')[0]}:{digest_of_file(part, digest.partition(':')[0])}"
    if not got.startswith(digest):
        part.unlink()
        raise UserError(f"{url}: wrong content: expected {digest}, got {got}; it was removed")
    part.replace(out)
    return True


def digest_matches(path: Path, digest: str) -> bool:
    """Whether a file has the digest `ALGORITHM:HEX`; a shortened digest must begin it."""
    algorithm, _, expected = digest.partition(":")
    return digest_of_file(path, algorithm).startswith(expected)


@contextmanager
def _writing(part: Path) -> Iterator[IO[bytes]]:
    """The unfinished file, locked, so that two downloads do not write into one another."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            if not try_lock(file.fileno(), part):
                raise UserError(f"{part}: another download is writing to it; wait for it")
            try:
                yield file
            except UserError:
                if file.seek(0, 2) == 0:
                    part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UserError(f"{part}: cannot write: {error.strerror or error}") from None


def _transfer_all(url: str, file: IO[bytes], part: Path) -> bool:
    """Download what is missing, in several attempts; whether any of it was there before."""
    resumed = file.seek(0, 2) > 0
    attempts = 0
    while True:
        before = file.tell()
        try:
            _transfer(url, file, part)
        except (requests.RequestException, TransportError) as error:
            attempts = 0 if file.tell() > before else attempts + 1
            if attempts >= ATTEMPTS or isinstance(error, ValueError):
                raise UserError(
                    f"{url}: {_reason(error)}; try again, it goes on from here"
                ) from None
            time.sleep(RETRY_WAIT_S * attempts)
            resumed = resumed or before > 0
        else:
            return resumed


def _transfer(url: str, file: IO[bytes], part: Path) -> None:
    """One request. What was received stays in `file`, whatever happens."""
    start = file.seek(0, 2)
    headers = {"Accept-Encoding": "identity", **_resume_headers(url, start, part)}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            if _declared_total(response) == start:
                return
            file.truncate(0)
            raise requests.ConnectionError("the part that is here does not fit")
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            _refuse(url, response)
        if not _continues(response, start):
            file.truncate(0)
            file.seek(0)
        _note_source(url, response, part)
        total = _declared_total(response)
        with _progress(part.stem, file.tell(), total) as advance:
            for block in response.iter_content(_BLOCK_BYTES):
                file.write(block)
                advance(len(block))
        file.flush()
        if total is not None and file.tell() != total:
            raise requests.ConnectionError("the transfer ended early")


def _refuse(url: str, response: requests.Response) -> None:
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise requests.ConnectionError(f"the server answers {response.status_code}")
    raise UserError(
        f"{url}: the server answers {response.status_code} {response.reason};"
        " if the file has moved, set the new address in the configuration's downloads"
    )


def _continues(response: requests.Response, start: int) -> bool:
    """Whether the answer begins at byte `start`, not at the beginning."""
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return False
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != start:
        raise requests.ConnectionError("the server sent another part than was asked for")
    return True


def _declared_total(response: requests.Response) -> int | None:
    """The size of the whole file, as far as the server says."""
    match = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    length = match[1] if match else response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _notes(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note_source(url: str, response: requests.Response, part: Path) -> None:
    """Remember which version of the file this is; weak validators do not tell versions apart."""
    tag = response.headers.get("ETag", "")
    validator = response.headers.get("Last-Modified", "") if tag[:1] != '"' else tag
    write_json(_notes(part), {"url": url, "validator": validator})


def _resume_headers(url: str, start: int, part: Path) -> dict[str, str]:
    """Ask for the rest, on condition that the file is still the same one."""
    notes: Any = read_json(_notes(part)) if _notes(part).is_file() else {}
    if start == 0 or not isinstance(notes, dict) or notes.get("url") != url:
        return {}
    validator = notes.get("validator")
    return {"Range": f"bytes={start}-"} | ({"If-Range": validator} if validator else {})


@contextmanager
def _progress(name: str, done: int, total: int | None) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, completed=done, total=total)
        yield lambda count: progress.advance(task, count)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not accepted"
    text = str(error)
    for sign, reason in (
        ("Name or service", "the host's name is unknown"),
        ("resolve", "the host's name is unknown"),
        ("refused", "the connection is refused"),
        ("IncompleteRead", "the transfer broke off"),
    ):
        if sign in text:
            return reason
    return f"the transfer failed ({text[:200]})"
