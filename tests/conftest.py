"""Fixtures that many tests share."""

import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in every run, so that a change is judged by what it changes; `make test-slow`
# draws new ones (--hypothesis-profile=search).
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("repeatable")

MINIMAL: dict[str, Any] = {
    "dataset": {"name": "tiny", "root": "data/tiny", "categories": ["a", "b"], "synthetic": {}},
    "teacher": {"name": "efficientnet_lite0", "weights": "package"},
    "runs": {"net": {"detector": "dcrdf_net", "preset": "paper"}},
}


@pytest.fixture(autouse=True)
def _keep_denormals() -> Iterator[None]:
    """Trainings flush denormals for the whole process; property tests count on them."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def minimal() -> dict[str, Any]:
    """A small valid configuration, free to be changed."""
    return copy.deepcopy(MINIMAL)


@pytest.fixture(scope="session")
def minimal_values() -> dict[str, Any]:
    """The same for fixtures that live longer; not to be changed."""
    return MINIMAL


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


@pytest.fixture(scope="session")
def entry() -> Callable[..., dict[str, Any]]:
    """Builds one entry of a metrics.json's `values`, by default the fused image AUROC."""

    def build(number: float | None, **changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "branch": "fused",
            "metric": "i_auroc",
            "size": "image",
            "mode": "exact",
            "defect": "all",
            "value": number,
            "low": None,
            "high": None,
        }
        return values | changes

    return build


@pytest.fixture(scope="session")
def write_metrics(entry: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Writes a made-up metrics.json with the given changes and returns its path."""

    def write(path: Path, **changes: Any) -> Path:
        contents = {
            "stage": {
                "stage": "evaluate",
                "version": 1,
                "options": {},
                "upstream": {"infer": "abcd1234"},
            },
            "dataset": "demo",
            "run": "full",
            "category": "nut",
            "seed": 0,
            "maps_sha256": "0123456789abcdef" * 4,
            "counts": {"good": 16, "defect": 24},
            "values": [entry(0.9)],
            "skipped": [],
        } | changes
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(contents), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def make_scans() -> Callable[..., Path]:
    """Write a tiny data set in MVTec 3D-AD's layout: discs of 5 mm on a tilted table."""
    import numpy as np

    from dcrdf.files.images import write_png, write_xyz

    def scan(generator: Any, size: int, defective: bool) -> tuple[Any, Any, Any]:
        y, x = np.mgrid[:size, :size] - (size - 1) / 2
        disc = np.hypot(x - generator.uniform(-2, 2), y) < 0.33 * size
        spot = np.hypot(x - 5, y + 4) < 0.08 * size
        height_m = 0.005 * disc + (0.004 * spot if defective else 0.0)
        z = 0.45 + 0.02 * x / size - height_m + generator.normal(0, 5e-5, x.shape)
        xyz = np.stack([x * 6e-4, y * 6e-4, z], axis=-1).astype(np.float32)
        xyz[generator.random(x.shape) < 0.01] = 0.0
        grey = 90 + 80 * disc + generator.normal(0, 4, x.shape) - (70 * spot if defective else 0)
        rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        return rgb, xyz, spot & defective

    def write(folder: Path, name: str, arrays: tuple[Any, Any, Any], with_gt: bool) -> None:
        rgb, xyz, gt = arrays
        write_png(folder / "rgb" / f"{name}.png", rgb)
        write_xyz(folder / "xyz" / f"{name}.tiff", xyz)
        if with_gt:
            write_png(folder / "gt" / f"{name}.png", (255 * gt).astype(np.uint8))

    def make(root: Path, categories: tuple[str, ...] = ("a", "b"), size: int = 64) -> Path:
        for number, category in enumerate(categories):
            generator = np.random.default_rng(number)
            for split, defect, count in (
                ("train", "good", 4), ("validation", "good", 3),
                ("test", "good", 2), ("test", "spot", 2),
            ):  # fmt: skip
                for index in range(count):
                    arrays = scan(generator, size, defective=defect != "good")
                    folder = root / category / split / defect
                    write(folder, f"{index:03d}", arrays, with_gt=split == "test")
        return root

    return make


@pytest.fixture(scope="session")
def bilinear() -> Callable[..., Any]:
    """Bilinear resizing by its definition, pixel by pixel: pixels are cells, their values lie in
    the middle, and beyond the outermost middles the outermost value holds."""
    import numpy as np

    def resize(image: Any, size: tuple[int, int]) -> Any:
        def weights(count: int, wanted: int) -> Any:
            rows = np.zeros((wanted, count))
            for at in range(wanted):
                middle = min(max((at + 0.5) * count / wanted - 0.5, 0.0), count - 1.0)
                below = min(int(middle), count - 1)
                above = min(below + 1, count - 1)
                rows[at, below] += 1.0 - (middle - below)
                rows[at, above] += middle - below
            return rows

        return weights(image.shape[0], size[0]) @ image @ weights(image.shape[1], size[1]).T

    return resize
