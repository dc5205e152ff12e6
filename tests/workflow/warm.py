"""Snakemake and the steps, imported once: a process that forks for every call of either.

`python warm.py SOCKET` serves until its standard input ends. A call is a JSON line with `program`
(snakemake or dcrdf), `arguments`, `folder` and `environment`, and the caller's two output streams;
the answer is the exit code. Most of what small calls take is imports, torch's above all.
"""

import json
import os
import select
import socket
import sys
from contextlib import suppress


def serve(path):
    """Fork for every call, and do not wait: calls run side by side."""
    mains = programs()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                answer(caller, mains)
            caller.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def programs():
    """Name -> what runs it; with all that calls import."""
    from snakemake import api, cli, storage, workflow  # noqa: F401

    import dcrdf.cli.aggregate
    import dcrdf.cli.evaluate
    import dcrdf.cli.infer
    import dcrdf.cli.prepare
    import dcrdf.cli.report
    import dcrdf.cli.train
    import dcrdf.config.workflow
    import dcrdf.detectors.base
    import dcrdf.models.deploy
    import dcrdf.preparation.prepare
    import dcrdf.report.page
    import dcrdf.results.record
    import dcrdf.results.sources
    import dcrdf.results.tables
    import dcrdf.results.warnings
    import dcrdf.scoring.cost
    import dcrdf.training.loop
    from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length

    usual_length.STEPS = crossmodal_prediction.STEPS = 20  # as in tests/clock
    cli.get_argument_parser()  # loads Snakemake's plugins
    return {"snakemake": cli.main, "dcrdf": dcrdf.cli.main}


def answer(caller, mains):
    """One call in this process, which ends with it."""
    code = 1
    with suppress(BaseException):
        text, streams = received(caller)
        call = json.loads(text)
        for number, stream in enumerate(streams, start=1):
            os.dup2(stream, number)
        os.chdir(call["folder"])
        os.environ.clear()
        os.environ.update(call["environment"])
        sys.argv = [call["program"], *call["arguments"]]
        try:
            code = mains[call["program"]](call["arguments"]) or 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    caller.sendall(bytes([code]))
    os._exit(code)


def received(caller):
    """The call's line and its two streams."""
    text, streams, _, _ = socket.recv_fds(caller, 65536, 2)
    while not text.endswith(b"\n"):
        text += caller.recv(65536)
    return text, streams


def ask(path, call, streams):
    """The exit code of a call whose output goes to the two streams."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        text = json.dumps(call).encode() + b"\n"
        sent = socket.send_fds(server, [text[:32768]], streams)
        server.sendall(text[sent:])
        code = server.recv(1)
    return code[0] if code else 1


if __name__ == "__main__":
    serve(sys.argv[1])
