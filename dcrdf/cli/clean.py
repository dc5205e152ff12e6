"""Remove prepared data, pseudo-anomalies and models that no job of the configurations uses."""

import argparse
import shutil
from pathlib import Path

from dcrdf.cli.common import load_plan
from dcrdf.config.plan import Plan
from dcrdf.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf clean`."""
    parser.add_argument(
        "config", type=Path, nargs="+", help="configuration files whose outputs stay"
    )
    parser.add_argument("--yes", action="store_true", help="remove; without it, only list")


def run(args: argparse.Namespace) -> None:
    """List or remove what is not used, with sizes."""
    plans = [load_plan(path) for path in args.config]
    for path, plan in zip(args.config, plans, strict=True):
        if not plan.folder.is_dir():
            raise UserError(f"{path}: no such results folder: {plan.folder}")
    used = {path for plan in plans for path in _used(plan)}
    total_mb = 0.0
    for path in sorted({path for plan in plans for path in _stored(plan)} - used):
        size_mb = _size_mb(path)
        total_mb += size_mb
        print(f"{size_mb:10.1f} MB  {path}")
        if args.yes:
            shutil.rmtree(path) if _is_own_folder(path) else path.unlink()
    print(f"{total_mb:10.1f} MB  {'removed' if args.yes else 'would be removed; add --yes'}")


def _used(plan: Plan) -> set[Path]:
    used: set[Path] = set()
    for job, chain in plan.chains.items():
        used.add(plan.prepared_path(job.category, chain.prepare.digest))
        used.add(plan.model_folder(job))
        if chain.pseudo is not None:
            used.add(plan.variants_path(job.category, chain.pseudo.digest))
    return used


def _stored(plan: Plan) -> list[Path]:
    folders = [plan.folder / name for name in ("prepared", "variants", "models")]
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if not path.name.startswith(".")  # being written, perhaps
    ]


def _is_own_folder(path: Path) -> bool:
    """Of a link to a folder only the link is ours."""
    return path.is_dir() and not path.is_symlink()


def _size_mb(path: Path) -> float:
    files = path.rglob("*") if _is_own_folder(path) else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir()) / 2**20
