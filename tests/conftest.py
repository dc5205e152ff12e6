"""Fixtures that many tests share."""

import os

# Before any library starts its threads: two processes' threads on two cores wait for one another,
# and tiny trainings take five times as long.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Where a test takes two threads, the one that has nothing to do sleeps.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from dcrdf.files.images import write_png, write_xyz

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
def _leave_torch_as_it_was() -> Iterator[None]:
    """Trainings flush denormals for the whole process, and property tests count on them; they set
    the number of threads, and all tests after them would take as many."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
        sys.modules["torch"].set_num_threads(1)


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


@pytest.fixture
def make_layout() -> Callable[..., list[str]]:
    """Write a made-up data set in any layout and return its categories: a box of 15 mm on a tilted
    table 0.3 m away, 48 x 64 pixels, with a strip that the sensor missed on the box's left.

    `make(root, layout, unit_m=0.001)`; `unit_m` is the unit of the xyz files, `depth` writes 16-bit
    images in steps of 0.1 mm with a camera file instead, `names` renames folders.
    """

    def make(
        root: Path,
        layout: str,
        *,
        unit_m: float = 1.0,
        depth: bool = False,
        names: dict[str, str] | None = None,
    ) -> list[str]:
        several = {"pdreal": ["plaid", "radish"], "eyecandies": ["GummyBear"]}
        categories = several.get(layout, ["part"])
        usual = {"gt": "ground_truth"} if layout == "adam3d" else {}
        for category in categories:
            if layout == "eyecandies":
                write_eyecandies(root / category)
            else:
                write_splits(root / category, layout, unit_m, depth, usual | (names or {}))
        return categories

    return make


HEIGHT, WIDTH = 48, 64
CAMERA = {"fx": 80.0, "fy": 80.0, "cx": 31.5, "cy": 23.5}
EYECANDIES_CAMERA = {"fx": 711.11, "fy": 711.11, "cx": 256.0, "cy": 256.0}
RAISED_MM = {"good": 0.0, "combine-S": 6.0, "dent": -6.0}
COUNTS = (
    ("train", "good", 4), ("validation", "good", 2), ("test", "good", 2), ("test", "combine-S", 1),
    ("test", "dent", 1),
)  # fmt: skip


def box_scene(seed: int, kind: str, camera: dict[str, float]) -> dict[str, Any]:
    """rgb, xyz (metres) and gt of a box on a table; z is 0 where the sensor missed it."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    across, down = (u - camera["cx"]) / camera["fx"], (v - camera["cy"]) / camera["fy"]
    box = (abs(u - 34) < 14) & (abs(v - 24) < 13)
    spot = (np.hypot(u - 38, v - 20) < 4) & (kind != "good")
    z = 0.30 - 0.015 * box - RAISED_MM[kind] * 1e-3 * spot
    z = z / (1 - np.tan(np.deg2rad(2.0)) * across) + rng.normal(0, 5e-5, box.shape)
    z[box & (u < 23)] = 0.0
    rgb = np.stack([50 + 90 * box, 60 + 60 * box, 80 + 20 * box], axis=2)
    rgb = rgb + rng.normal(0, 4, rgb.shape) - 60 * (spot & (kind == "combine-S"))[..., None]
    return {
        "rgb": np.clip(rgb, 0, 255).astype(np.uint8),
        "xyz": np.stack([z * across, z * down, z], axis=2).astype(np.float32),
        "gt": (255 * spot).astype(np.uint8),
    }


def write_splits(
    category: Path, layout: str, unit_m: float, depth: bool, names: dict[str, str]
) -> None:
    """A category as MVTec 3D-AD's, or without splits (`folder`) or validation (`adam3d`)."""
    seed = 0
    for split, kind, count in COUNTS:
        folder = category / names.get(split, split) / names.get(kind, kind)
        if layout == "folder":
            folder = category / kind
        if layout == "adam3d" and split == "validation":
            folder = category / "train" / kind
        for _ in range(count):
            seed += 1
            arrays = box_scene(seed, kind, CAMERA)
            write_png(folder / names.get("rgb", "rgb") / f"{seed:03d}.png", arrays["rgb"])
            if depth:
                steps = np.rint(arrays["xyz"][..., 2] / 1e-4).astype(np.uint16)
                write_png(folder / names.get("depth", "depth") / f"{seed:03d}.png", steps)
            else:
                xyz = arrays["xyz"] / np.float32(unit_m)
                write_xyz(folder / names.get("xyz", "xyz") / f"{seed:03d}.tiff", xyz)
            if kind != "good":
                write_png(folder / names.get("gt", "gt") / f"{seed:03d}.png", arrays["gt"])
    if depth:
        camera = json.dumps({**CAMERA, "depth_unit_m": 1e-4})
        (category.parent / "camera.json").write_text(camera)


def write_eyecandies(category: Path) -> None:
    """A category as Eyecandies', ten times as large; each light has a grey level of its own in the
    first pixel. Of the test samples one has dents, one several defects, one none to be seen."""
    of_kind = {"combine-S": ("bumps", "colors"), "dent": ("dents",)}
    for split, digits, kinds in (
        ("train", 3, ["good"] * 4), ("val", 2, ["good"] * 2),
        ("test_public", 2, ["good", "good", "combine-S", "dent", "bad"]),
    ):  # fmt: skip
        for index, kind in enumerate(kinds):
            stem = f"{category}/{split}/data/{index:0{digits}d}"
            seen = "good" if kind == "bad" else kind
            arrays = box_scene(index + 10 * len(kinds) + digits, seen, EYECANDIES_CAMERA)
            for light in range(6):
                arrays["rgb"][0, 0] = 40 * light
                write_png(Path(f"{stem}_image_{light}.png"), arrays["rgb"])
            units = 10.0 * np.where(arrays["xyz"][..., 2] == 0, 0.3, arrays["xyz"][..., 2])
            steps = np.rint((units - 2.0) / 2.0 * 65535).astype(np.uint16)
            write_png(Path(f"{stem}_depth.png"), steps)
            write_png(Path(f"{stem}_normals.png"), np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
            Path(f"{stem}_info_depth.yaml").write_text("normalization: {min: 2.0, max: 4.0}")
            Path(f"{stem}_metadata.yaml").write_text(f"anomalous: {int(kind != 'good')}")
            write_png(Path(f"{stem}_mask.png"), arrays["gt"])
            for mask in ("bumps", "dents", "colors", "normals"):
                is_marked = np.uint8(mask in of_kind.get(kind, ()))
                write_png(Path(f"{stem}_{mask}_mask.png"), arrays["gt"] * is_marked)
