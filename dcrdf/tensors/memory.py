"""How this process takes its memory from the system, and how much it took at most."""

import contextlib
import ctypes
import resource
import sys

import torch

# glibc, malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER_TRIM = 2**31 - 1
_GROW_BY = 64 * 2**20


def keep_freed_memory() -> None:
    """Reuse freed memory instead of giving it back to the system after every tensor.

    glibc maps each large tensor anew, and the kernel clears its pages again: a fifth of the CPU
    time of a training with the gate. Elsewhere (musl, macOS) nothing is changed.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _NEVER_TRIM)
        mallopt(_TOP_PAD, _GROW_BY)


def peak_memory_mb(device: torch.device) -> int:
    """The most memory held so far, in MiB: the GPU's by torch, else this process's."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_reserved(device) / 2**20)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)
