"""Detectors on disk: tensors as safetensors, everything else as JSON; never pickle.

The teacher's trunk is part of the file, so that a detector works wherever it is copied.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dcrdf.config.detectors import DETECTORS
from dcrdf.detectors.base import Detector, build_detector
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.judging.description import (
    DESCRIPTION,
    FORMAT,
    entries_named,
    read_description,
    remedy,
)
from dcrdf.networks.teacher import Teacher, use_stride_in_first_convolution
from dcrdf.tensors.files import write_tensors

WEIGHTS = "weights.safetensors"


def save_detector(
    folder: Path, detector: Detector, name: str, description: Mapping[str, Any]
) -> None:
    """Write weights and description into `folder`; the description last, as the sign of success."""
    tensors = {f"teacher.{key}": x for key, x in detector.teacher.state_dict().items()}
    tensors |= {f"network.{key}": x for key, x in detector.network.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, tensors)
    teacher = detector.teacher
    own = {
        "format": FORMAT,
        "detector": name,
        "options": detector.options.model_dump(mode="json"),
        "trained_parameters": sum(x.numel() for x in detector.network.parameters()),
        "teacher": {"name": teacher.name, "stride_in_1x1": teacher.stride_in_1x1},
        "weights_sha256": sha256_of_file(folder / WEIGHTS),
    }
    write_json(folder / DESCRIPTION, {**description, **own})


def load_detector(folder: Path) -> tuple[Detector, dict[str, Any]]:
    """The fitted detector in `folder` and its description; `UserError` when it is damaged."""
    description = read_description(folder)
    path = folder / WEIGHTS
    with entries_named(folder):
        name, shape = description["detector"], description["teacher"]
        options = DETECTORS[name].options.parse(description["options"], "options")
        teacher = Teacher(shape["name"])
        if shape["stride_in_1x1"]:
            use_stride_in_first_convolution(teacher)
        detector = build_detector(name, teacher, options)
    _check_weights(path, description.get("weights_sha256"))
    _fill(detector, _read_tensors(path), path)
    detector.network.eval()
    return detector, description


def _check_weights(path: Path, sha256: Any) -> None:
    """Weights hold no checksum of their own. Checkpoints of older versions name none."""
    if sha256 is not None and path.is_file() and sha256_of_file(path) != sha256:
        raise UserError(
            f"{path}: damaged or of another training: not what {DESCRIPTION} names;"
            f" {remedy(path.parent)}"
        )


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path}: missing; {remedy(path.parent)}") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable checkpoint: {error}; {remedy(path.parent)}"
        ) from None


def _fill(detector: Detector, tensors: dict[str, Tensor], path: Path) -> None:
    for part, module in (("teacher", detector.teacher), ("network", detector.network)):
        given = {
            key.removeprefix(f"{part}."): x
            for key, x in tensors.items()
            if key.startswith(f"{part}.")
        }
        _adopt_empty_buffers(module, given)
        try:
            module.load_state_dict(given)
        except RuntimeError as error:
            raise UserError(
                f"{path}: made with other settings: {str(error).splitlines()[-1].strip()}"
            ) from None


def _adopt_empty_buffers(module: torch.nn.Module, given: Mapping[str, Tensor]) -> None:
    """A memory bank's size is known only from its file."""
    for name, buffer in list(module.named_buffers()):
        if buffer.numel() == 0 and name in given:
            owner, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(owner), leaf, torch.empty_like(given[name]))
