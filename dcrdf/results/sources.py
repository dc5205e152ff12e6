"""Results that were made from other scans than those that lie there now.

Snakemake compares times: a scan that is replaced by an older one, from a backup, is none of its
business. Prepared data and maps carry the digest of the scans' contents, which is compared here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dcrdf.config.chain import Chain
from dcrdf.config.plan import Plan
from dcrdf.errors import UserError
from dcrdf.files.contents import Contents
from dcrdf.files.hdf5 import open_hdf5, read_attribute
from dcrdf.results.record import UNREADABLE

MEMORY = ".contents.json"


def made_from_other_scans(plan: Plan) -> list[Path]:
    """Prepared data whose scans have another content now; where they are gone, maps."""
    digest = Contents(plan.folder / MEMORY)
    found = list(dict.fromkeys(_outdated(plan, digest)))
    digest.keep()
    return found


def _outdated(plan: Plan, digest: Callable[[Path], str]) -> Iterator[Path]:
    for job, chain in plan.chains.items():
        if not plan.sources.is_own(job.category):
            continue
        prepared = plan.prepared_path(job.category, chain.prepare.digest)
        maps = plan.run_folder(job) / "maps.h5"
        if prepared.is_file():
            recorded, made = _recorded(prepared), prepared
        elif maps.is_file() and chain.prepare.options["strict"]:
            recorded, made = _recorded(maps), maps
        else:
            continue
        if recorded is not None and not _agrees(recorded, plan, chain, digest):
            yield made


class _Recorded(NamedTuple):
    """What a file was made from, and the samples that were skipped."""

    files: str
    cameras: str | None
    skipped: Sequence[str]


def _recorded(path: Path) -> _Recorded | None:
    """None where that cannot be read: others refuse such a file."""
    try:
        with open_hdf5(path) as file:
            skipped = json.loads(read_attribute(file, "skipped")) if "skipped" in file.attrs else []
            cameras = None
            if "camera_digest" in file.attrs:
                cameras = read_attribute(file, "camera_digest")
            names = [str(identity) for identity, _ in skipped]
            return _Recorded(read_attribute(file, "input_digest"), cameras, names)
    except UNREADABLE:
        return None


def _agrees(
    recorded: _Recorded,
    plan: Plan,
    chain: Chain,
    digest: Callable[[Path], str],
) -> bool:
    from dcrdf.preparation.inputs import inputs_now  # brings libraries that a job's parsing spares

    files, cameras, skipped = recorded
    try:
        now = inputs_now(plan.sources.root, chain.prepare.options, skipped, digest)
    except UserError:  # preparing says what is wrong
        return False
    return files == now.files and cameras in (None, now.cameras)
