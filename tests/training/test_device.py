"""What a process sets up before it computes."""

import torch

from dcrdf.training.device import make_repeatable
from dcrdf.training.memory import peak_memory_mb


def test_seeded_arithmetic_repeats_itself():
    draws = []
    for seed in (1, 1, 2):
        make_repeatable(seed, 1)
        draws.append(torch.rand(5).tolist())
    assert draws[0] == draws[1] != draws[2]


def test_peak_memory_grows_with_what_was_held():
    before = peak_memory_mb(torch.device("cpu"))
    # Beyond everything that this process may have given back but not to the system.
    held = torch.ones((before + 64) * 2**18)
    assert peak_memory_mb(torch.device("cpu")) >= before + 32
    del held
