"""Archives of public data: fetched, checked, unpacked; there only when complete."""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dcrdf.config.download import DownloadOptions, FileOptions
from dcrdf.config.sources import DOWNLOAD_MARKER
from dcrdf.errors import UserError
from dcrdf.files import fetch
from dcrdf.files.archives import unpack_into
from dcrdf.files.atomic import replacing_folder
from dcrdf.files.jsonfile import read_json, write_json


def download_archive(options: DownloadOptions, into: Path, cache: Path) -> bool:
    """Make folder `into` from an archive, which is kept in `cache`; False if it was made before.

    The folder appears with all its files and a marker, or not at all. A folder that holds anything
    else is refused (`UserError`), never mixed with.
    """
    record = {"url": options.url, "hash": options.hash, "inner_folder": options.inner_folder}
    if _made_before(into, record):
        return False
    archive = cache / _archive_name(options)
    _announce(options.licence)
    fetch.fetch_file(options.url, options.hash, archive)
    with replacing_folder(into) as aside:
        files = unpack_into(
            archive,
            aside,
            inner_folder=options.inner_folder,
            max_bytes=round(options.max_unpacked_gb * 1e9),
        )
        write_json(aside / DOWNLOAD_MARKER, {**record, "files": files})
    return True


def fetch_file(options: FileOptions, out: Path) -> bool:
    """Download a single file; False if it is there already. `UserError` as in `files.fetch`."""
    if not out.is_file():
        _announce(options.licence)
    return fetch.fetch_file(options.url, options.hash, out)


def _made_before(into: Path, record: dict[str, str]) -> bool:
    marker = into / DOWNLOAD_MARKER
    if marker.is_file():
        made = read_json(marker)
        if isinstance(made, dict) and made.items() >= record.items():
            return True
        raise UserError(f"{into}: made from another archive; remove it or choose another folder")
    if into.is_dir() and any(into.iterdir()):
        raise UserError(
            f"{into}: holds files that were not downloaded; remove it or choose another folder"
        )
    return False


def _archive_name(options: DownloadOptions) -> str:
    """The file's name on the server, behind the start of its digest: hosts reuse names."""
    name = unquote(urlsplit(options.url).path).rpartition("/")[2]
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return f"{options.hash.partition(':')[2][:8]}-{plain or 'archive'}"


def _announce(licence: str) -> None:
    if licence:
        print(f"licence: {licence}", file=sys.stderr)
