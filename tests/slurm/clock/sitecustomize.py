"""A faster clock for trainings, on whose path this folder is: they save a state every minute of
theirs, which is every 0.6 s."""

import sys
import time

if {"train", "--stage"} <= set(sys.orig_argv):
    seconds = time.monotonic
    time.monotonic = lambda: 100.0 * seconds()
