"""The clouds that are measured: a good part each, at the scan's own size."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Scan
from dcrdf.datasets.synthetic import CATEGORIES
from dcrdf.datasets.synthetic.render import SampleName, render
from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.windows import pitch_m
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.measure import measure_scan, part_of_scan
from dcrdf.preparation.measured import TrainingPlane

NATIVE_PX = 800


@dataclass(frozen=True)
class Cloud:
    """A part's N points (N, 3) in metres with unit normals and edge responses (N,)."""

    name: str
    points: Tensor
    normals: Tensor
    response: Tensor
    pitch_m: float
    surface_ms: float
    """CPU time of normals and edge responses."""


def scans(folder: Path | None) -> Iterator[tuple[str, Scan]]:
    """The first good part of every embedded category, then the first one of a category's folder."""
    for category in CATEGORIES:
        rendered = render(SampleName(category, "train", "good", 0, 0), NATIVE_PX)
        yield category, Scan(rendered.rgb, rendered.xyz, rendered.gt)
    if folder is not None:
        folder = folder.resolve()
        sample = list_samples(folder.parent, "mvtec3d", folder.name)[0]
        yield folder.name, load_scan(sample)


def images_of(xyz_m: np.ndarray, inside: np.ndarray) -> tuple[Tensor, Tensor]:
    """An array (H, W, 3) and a mask (H, W) as a batch of one."""
    points = torch.from_numpy(np.where(inside[..., None], xyz_m, np.float32(0.0)))
    return points.permute(2, 0, 1)[None].contiguous(), torch.from_numpy(inside)[None]


def part_cloud(name: str, scan: Scan) -> Cloud:
    """The measured points on the part that have a normal."""
    options = PrepareOptions()
    plane = measure_scan(scan, options).facts.plane
    part = part_of_scan(scan, options, TrainingPlane("part", plane))
    points, inside = images_of(scan.xyz, part & valid_points(scan.xyz))
    start = time.process_time()
    pitch = pitch_m(points, inside)
    vectors, given = normals(points, inside, pitch=pitch)
    response = edge_response(points, vectors, given, pitch=pitch)
    surface_ms = 1e3 * (time.process_time() - start)
    where = given[0]
    return Cloud(
        name, points[0][:, where].T.contiguous(), vectors[0][:, where].T.contiguous(),
        response[0][where], float(pitch), surface_ms,
    )  # fmt: skip
