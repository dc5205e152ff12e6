"""A scorer as an ONNX file."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from dcrdf.errors import UserError
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
    with _quietly(), _failures_named():
        program = torch.export.export(module, tensors, dynamic_shapes=shapes, strict=False)
        found = torch.onnx.export(
            program,
            tensors,
            dynamo=True,
            opset_version=OPSET,
            input_names=names,
            output_names=list(module.named(*tensors)),
            optimize=False,  # takes minutes; onnxruntime optimises when it loads
            external_data=False,
            verbose=False,
        )
    assert found is not None
    found.model.metadata_props.update(metadata)
    found.save(str(path))
    onnx.checker.check_model(str(path))


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _failures_named() -> Iterator[None]:
    """The exporter's many exceptions have no base of their own: a network that it cannot trace
    becomes a `UserError` of its first line."""
    try:
        yield
    except Exception as error:
        cause = error.__cause__ or error
        line = str(cause).strip().splitlines()[:1]
        raise UserError(
            f"torch {torch.__version__} cannot make a graph of this model:"
            f" {type(cause).__name__}: {' '.join(line)}"
        ) from error


def example_of(given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Two scans to trace with: one alone would become a constant."""
    return {
        name: np.ascontiguousarray(np.concatenate([x[:1], x[-1:]])) for name, x in given.items()
    }
