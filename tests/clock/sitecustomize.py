"""A faster clock for trainings, on whose path this folder is: they save a state every minute of
theirs, which is every 0.6 s, or as CLOCK_FACTOR says."""

import os
import sys
import time

if {"train", "--stage"} <= set(sys.orig_argv):
    seconds, factor = time.monotonic, float(os.environ.get("CLOCK_FACTOR", "100"))
    time.monotonic = lambda: factor * seconds()
