"""What a process sets up before it computes."""

import subprocess
import sys

import pytest
import torch

from dcrdf.tensors.device import make_repeatable
from dcrdf.tensors.memory import peak_memory_mb


def test_seeded_arithmetic_repeats_itself():
    draws = []
    for seed in (1, 1, 2):
        make_repeatable(seed, 1, with_gradients=True)
        draws.append(torch.rand(5).tolist())
    assert draws[0] == draws[1] != draws[2]


def test_peak_memory_grows_with_what_was_held():
    before = peak_memory_mb(torch.device("cpu"))
    # Beyond everything that this process may have given back but not to the system.
    held = torch.ones((before + 64) * 2**18)
    assert peak_memory_mb(torch.device("cpu")) >= before + 32
    del held


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU's kernels must be asked for always")
@pytest.mark.parametrize("with_gradients", [False, True])
def test_kernels_that_repeat_are_asked_for_where_they_differ(with_gradients):
    """In a process of its own: the setting is torch's. Its compiler, a second, is not loaded."""
    code = f"""
import sys, torch
from dcrdf.tensors.device import make_repeatable
make_repeatable(0, 1, with_gradients={with_gradients})
print(torch.are_deterministic_algorithms_enabled(), "torch._inductor" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(with_gradients), "False"]
