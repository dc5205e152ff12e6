"""Shorter trainings, for processes on whose path this folder is. What good images are like, which
takes hundreds of steps after the epochs, is learnt in a few. The workflow's trainings have a faster
clock: they save a state every minute of theirs, which is every 0.6 s, or as CLOCK_FACTOR says.

Where DCRDF_WARM names a socket of `tests/workflow/warm.py`, steps run there."""

import os
import sys
import time
from pathlib import Path

is_step = any(one.endswith("/dcrdf") for one in sys.orig_argv[:2])
if is_step and "DCRDF_WARM" in os.environ:
    sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
    import warm

    call = {"program": "dcrdf", "arguments": sys.orig_argv[2:], "folder": str(Path.cwd())}
    socket = os.environ.pop("DCRDF_WARM")
    os._exit(warm.ask(socket, call | {"environment": dict(os.environ)}, [1, 2]))

if is_step and "train" in sys.orig_argv:
    from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length

    usual_length.STEPS = crossmodal_prediction.STEPS = 20
    if "--stage" in sys.orig_argv:
        seconds, factor = time.monotonic, float(os.environ.get("CLOCK_FACTOR", "100"))
        time.monotonic = lambda: factor * seconds()
