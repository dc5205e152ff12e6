"""Snakemake that has been imported: a process forks for every call that it reads, a JSON line each,
and answers with the exit code. Most of a dry run's time is Snakemake's imports."""

import json
import os
import sys
from contextlib import suppress

from snakemake import api, cli, storage, workflow  # noqa: F401 (a call imports them)

import dcrdf.config.workflow
import dcrdf.preparation.inputs
import dcrdf.results.record
import dcrdf.results.sources
import dcrdf.results.warnings  # noqa: F401 (the Snakefile imports them)

cli.get_argument_parser()  # loads Snakemake's plugins


def serve():
    """Answer every line of the standard input."""
    for line in sys.stdin:
        call = json.loads(line)
        process = os.fork()
        if process == 0:
            run(**call)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(arguments, folder, environment, output):
    """One call in this process, which ends with it; both streams go to OUTPUT.out and .err."""
    code = 1
    with suppress(BaseException):
        for descriptor, suffix in ((1, "out"), (2, "err")):
            stream = os.open(f"{output}.{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(stream, descriptor)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        try:
            cli.main(arguments)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
