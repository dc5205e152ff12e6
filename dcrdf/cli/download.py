"""Fetch the data set or textures (archive) or teacher weights of a configuration.

Broken transfers are resumed, hashes are checked, archives are unpacked with path checks.
"""

import argparse
from pathlib import Path
from typing import Any

from dcrdf.config.stages import Stage
from dcrdf.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf download`."""
    parser.add_argument("what", choices=["archive", "weights"])
    parser.add_argument("--stage", metavar="JSON", required=True, help="the download's record")
    parser.add_argument("--out", type=Path, required=True, help="folder or file to make")
    parser.add_argument("--cache", type=Path, help="folder that keeps the archive")


def run(args: argparse.Namespace) -> None:
    """Download."""
    from dcrdf.config.download import DownloadOptions, FileOptions
    from dcrdf.datasets.download import download_archive, fetch_file

    options: dict[str, Any] = dict(Stage.from_json(args.stage, "download").options)
    if not options:
        raise UserError(
            "config: downloads.dataset: no address is given; set dataset.root to the data"
        )
    if args.what == "weights":
        fetch_file(FileOptions.parse(options, "downloads.weights"), args.out)
        return
    if args.cache is None:
        raise UserError("--cache: give the folder that keeps the archive")
    download_archive(DownloadOptions.parse(options, "downloads"), args.out, args.cache)
