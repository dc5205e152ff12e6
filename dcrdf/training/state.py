"""Resumable training state: weights, Adam's moments and the log, in one safetensors file with a
checksum, which the format lacks."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from dcrdf.tensors.files import write_tensors


@dataclass
class Progress:
    """How far a training is."""

    epochs_done: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)


def save_state(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, record: str
) -> None:
    """Write the state after a finished epoch, whole or not at all."""
    tensors = {f"model.{key}": value for key, value in module.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{number}.{key}": torch.as_tensor(x) for key, x in moments.items()}
    metadata = {
        "record": record,
        "epochs_done": str(progress.epochs_done),
        "rows": json.dumps(progress.rows),
    }
    tensors = {key: x.detach().cpu().contiguous() for key, x in tensors.items()}
    write_tensors(path, tensors, {**metadata, "checksum": _checksum(tensors, metadata)})


def resume_state(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, record: str
) -> Progress:
    """Restore a state of the same record, or start anew.

    A state that is damaged or belongs to other options is worth nothing and is left unused: the
    training then starts at epoch 0 and gives the same bits.
    """
    if not path.exists():
        return Progress()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return Progress()
    checksum = metadata.pop("checksum", None)
    if metadata.get("record") != record or checksum != _checksum(tensors, metadata):
        return Progress()
    _restore_module(module, tensors)
    _restore_optimizer(optimizer, tensors)
    return Progress(int(metadata["epochs_done"]), json.loads(metadata["rows"]))


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    value = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for key in sorted(tensors):
        value = zlib.crc32(key.encode(), value)
        value = zlib.crc32(tensors[key].reshape(-1).numpy().data.cast("B"), value)
    return f"{value:08x}"


def _restore_module(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    prefix = "model."
    module.load_state_dict(
        {key.removeprefix(prefix): x for key, x in tensors.items() if key.startswith(prefix)}
    )


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("adam."):
            _, number, moment = key.split(".")
            state.setdefault(int(number), {})[moment] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
