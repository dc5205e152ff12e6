"""Fixtures that many tests share."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MINIMAL: dict[str, Any] = {
    "dataset": {"name": "tiny", "root": "data/tiny", "categories": ["a", "b"], "synthetic": {}},
    "teacher": {"name": "efficientnet_lite0", "weights": "package"},
    "runs": {"net": {"detector": "dcrdf_net", "preset": "paper"}},
}


@pytest.fixture
def minimal() -> dict[str, Any]:
    """A small valid configuration, free to be changed."""
    return copy.deepcopy(MINIMAL)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Data beside the project that the product does not need."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no data beside the project")
    return folder


@pytest.fixture
def set_key() -> Callable[[dict[str, Any], str, Any], dict[str, Any]]:
    """Set a dotted key of a nested mapping."""

    def set_in(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
        *path, last = key.split(".")
        inner = values
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
        return values

    return set_in
