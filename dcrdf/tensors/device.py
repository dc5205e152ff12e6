"""Choosing the device and making its arithmetic repeatable."""

import os

import torch

from dcrdf.errors import UserError
from dcrdf.tensors.memory import keep_freed_memory


def choose_device(name: str) -> torch.device:
    """`auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`; `UserError` when absent."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"--device {name}: write auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {name}: torch sees no GPU; use --device cpu")
    return device


def make_repeatable(seed: int, cpu_threads: int, *, with_gradients: bool) -> None:
    """Seed torch, fix its threads, choose deterministic kernels, flush denormals, keep memory.

    Adam's first moments of dead units decay into denormals, which made a CPU training three times
    slower. On GPUs a few kernels have no deterministic form; torch warns once and goes on. Forward
    kernels of a CPU are all deterministic.
    """
    # cuBLAS reads it when it starts; without it sums of matrix products differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.set_num_threads(cpu_threads)
    torch.set_flush_denormal(True)
    if with_gradients or torch.cuda.is_available():
        # As `use_deterministic_algorithms`, which loads torch's compiler, a second, to tell it too.
        torch.set_deterministic_debug_mode("warn" if torch.cuda.is_available() else "error")
    # Filling new tensors with NaN only helps to find operators that read what they never wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    keep_freed_memory()
