"""Tensors as safetensors files, whole or not at all."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dcrdf.files.atomic import replacing


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name; `UserError` when the operating system refuses (disk full)."""
    with replacing(path) as aside:
        try:
            save_file(
                {key: x.detach().cpu().contiguous() for key, x in tensors.items()},
                aside,
                None if metadata is None else dict(metadata),
            )
        except SafetensorError as error:
            code = re.search(r"os error (\d+)", str(error))
            if code is None:
                raise
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from None
