"""Write the Snakemake workflow into a new folder: Snakefile, rules, profiles, example
configurations and config.yaml, where an installed package has no checkout to run them from.
"""

import argparse
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing_folder

PACKAGE = Path(__file__).parents[1]
INSTALLED = PACKAGE / "workflow_files"
"""Where a wheel has them; a checkout has them at its top."""
PARTS = (
    "Snakefile",
    "config.yaml",
    "workflow",
    "profiles",
    "envs/dcrdf.yaml",
    "envs/requirements.txt",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf workflow`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder to make")


def run(args: argparse.Namespace) -> None:
    """Write the folder and say how to go on; `UserError` where something is there already."""
    write_workflow(args.folder)
    print(f"{args.folder}: written; try")
    print(f"  cd {shlex.quote(str(args.folder))}")
    print("  snakemake --cores 2 --configfile workflow/demo.yaml -n")
    if find_spec("snakemake") is None:
        print("Snakemake is not installed: pip install 'dcrdf[workflow]'")


def write_workflow(folder: Path, source: Path | None = None) -> None:
    """Copy the workflow's files from `source` (default: where this package has them).

    Nothing is overwritten: a folder that is there must be empty (`UserError`).
    """
    source = _source() if source is None else source
    if folder.resolve() == Path.cwd():
        raise UserError(f"{folder}: is the current folder; name one to be made")
    with replacing_folder(folder) as aside:
        for file in _files(source):
            copy = aside / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)  # not its mode: an installation may be read-only


def _files(source: Path) -> list[Path]:
    """The files of all parts."""
    chosen = [source / part for part in PARTS]
    below = [file for part in chosen for file in part.rglob("*") if file.is_file()]
    return [part for part in chosen if not part.is_dir()] + below


def _source() -> Path:
    """The folder that holds the workflow's files; `UserError` where the installation lacks them."""
    for folder in (INSTALLED, PACKAGE.parent):
        if (folder / "Snakefile").is_file():
            return folder
    raise UserError(f"{INSTALLED}: missing; install dcrdf anew")
