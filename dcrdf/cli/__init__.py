"""The `dcrdf` command: one subcommand per step of the pipeline, and a few for people.

Subcommands are imported when they are called, so that help and errors cost no torch.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module, metadata
from typing import NoReturn

from dcrdf.errors import UserError, extras_named

COMMANDS = {
    "workflow": "write Snakefile, rules and configurations into a new folder",
    "download": "fetch the data set, textures or teacher weights of a configuration",
    "synthesize": "make a category of the embedded data set",
    "check": "look a data set over before hours are spent on it",
    "prepare": "raw scans -> one HDF5 file per category",
    "pseudo": "cache pseudo-anomalies of the training samples",
    "contact_sheet": "a picture of pseudo-anomalies to look at",
    "train": "fit a detector to a category",
    "infer": "score the test split with a fitted detector",
    "evaluate": "metrics of one job",
    "resample": "metrics of one job on resampled test images, for paired comparisons",
    "robustness": "scores of test scans that were made worse",
    "aggregate": "tables over all jobs",
    "report": "the HTML page",
    "diff": "what differs between two runs: settings and metrics",
    "published": "the papers whose printed numbers are kept, and where their means are wrong",
    "predict": "score own scans: good, defective or not judged, and where",
    "watch": "judge scans as they appear in a folder, and warn when light or sensor move",
    "threshold": "show a model's thresholds, or set one by hand with when and why",
    "export": "a model as one ONNX graph that needs no torch",
    "plan": "print the jobs of a configuration and their records",
    "clean": "remove what no job of a configuration uses any more",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for what the user can put right)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with _ended_in_order(), extras_named():
            code = _run(arguments)
            sys.stdout.flush()
            return code
    except UserError as error:
        _tell(f"error: {error}")
        return 2
    except (KeyboardInterrupt, _Terminated) as error:
        _tell("interrupted; the same command goes on where it can")
        return 143 if isinstance(error, _Terminated) else 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        if error.errno is None:
            raise
        _drop_output()
        _tell(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}")
        return 2


class _Terminated(BaseException):
    """SIGTERM: what is half-written goes before the process does."""


@contextmanager
def _ended_in_order() -> Iterator[None]:
    def terminate(*_: object) -> NoReturn:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(text: str) -> None:
    with suppress(OSError):
        print(f"dcrdf: {text}", file=sys.stderr, flush=True)


def _drop_output() -> None:
    """Nobody takes what is still to be printed; at exit Python would try again and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="dcrdf",
        description="Find defects on parts from aligned colour and depth images.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="steps and tools:\n"
        + "\n".join(f"  {_spelled(name):15} {text}" for name, text in COMMANDS.items())
        + "\n\n`dcrdf COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="version", version=f"dcrdf {metadata.version('dcrdf')}")
    parser.add_argument("command", metavar="COMMAND", choices=[_spelled(c) for c in COMMANDS])
    chosen = parser.parse_args(arguments[:1]).command
    name = chosen.replace("-", "_")
    module = import_module(f"dcrdf.cli.{name}")
    subparser = argparse.ArgumentParser(prog=f"dcrdf {chosen}", description=module.__doc__)
    module.add_arguments(subparser)
    code: int | None = module.run(subparser.parse_args(arguments[1:]))
    return code or 0


def _spelled(command: str) -> str:
    return command.replace("_", "-")
