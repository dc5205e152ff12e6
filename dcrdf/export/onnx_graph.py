"""A scorer as an ONNX file."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.export.graph import Given, ScanToScore
from dcrdf.scoring.scorer import Scorer

OPSET = 20
SCANS = "scans"
"""What the open dimension is called."""


@torch.no_grad()
def write_graph(
    path: Path, scorer: Scorer, example: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write the graph from `example`'s names (two scans or more) to maps and scores, for any number
    of scans. `metadata` is text that lies in the file."""
    module = ScanToScore(scorer).eval()
    names = [name for name in Given._fields if name in example]
    tensors = tuple(torch.from_numpy(example[name]) for name in names)
    any_number = torch.export.Dim(SCANS, min=1, max=2**16)
    shapes = (({0: any_number},) * len(names),)
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        program = torch.export.export(module, tensors, dynamic_shapes=shapes, strict=False)
        found = torch.onnx.export(
            program,
            tensors,
            dynamo=True,
            opset_version=OPSET,
            input_names=names,
            output_names=output_names(module, tensors),
            optimize=False,
            external_data=False,
            verbose=False,
        )
    if found is None:
        raise RuntimeError("torch.onnx gave no program")
    found.model.metadata_props.update(metadata)
    found.save(str(path))


def output_names(module: ScanToScore, tensors: Sequence[torch.Tensor]) -> list[str]:
    """What the module gives, in its order."""
    return list(module.named(*(x[:1] for x in tensors)))


def example_of(given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Two scans to trace with: one alone would become a constant."""
    return {
        name: np.ascontiguousarray(np.concatenate([x[:1], x[-1:]])) for name, x in given.items()
    }
