"""Shorter trainings, for processes on whose path this folder is. What good images are like, which
takes hundreds of steps after the epochs, is learnt in a few. The workflow's trainings have a faster
clock: they save a state every minute of theirs, which is every 0.6 s, or as CLOCK_FACTOR says."""

import os
import sys
import time

if "train" in sys.orig_argv and any(one.endswith("/dcrdf") for one in sys.orig_argv):
    from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length

    usual_length.STEPS = crossmodal_prediction.STEPS = 20
    if "--stage" in sys.orig_argv:
        seconds, factor = time.monotonic, float(os.environ.get("CLOCK_FACTOR", "100"))
        time.monotonic = lambda: factor * seconds()
