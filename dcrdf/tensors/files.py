"""Tensors as safetensors files, whole or not at all."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dcrdf.files.atomic import replacing

SAFETENSORS_OWN = ".tmp??????"
"""What safetensors itself writes to before it renames; a kill leaves it behind."""


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name; `UserError` when the operating system refuses (disk full).

    One process at a time writes into a folder.
    """
    for left_over in path.parent.glob(SAFETENSORS_OWN):
        left_over.unlink(missing_ok=True)
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
