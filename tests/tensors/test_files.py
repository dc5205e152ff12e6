"""Tensor files are whole, and what a kill left beside them goes away."""

import torch
from safetensors.torch import load_file

from dcrdf.tensors.files import write_tensors


def test_what_killed_writes_left_behind_is_removed(tmp_path):
    (tmp_path / ".tmpAbC123").write_bytes(b"half")
    (tmp_path / "tmpAbC123").write_bytes(b"somebody's")
    write_tensors(tmp_path / "weights.safetensors", {"a": torch.arange(3)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tmpAbC123", "weights.safetensors"]
    assert load_file(tmp_path / "weights.safetensors")["a"].tolist() == [0, 1, 2]
