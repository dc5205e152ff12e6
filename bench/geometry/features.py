"""CPU time of normals, edge response and histograms at the networks' size."""

import numpy as np
import torch

from bench.geometry.clouds import images_of
from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.datasets.sample import Scan
from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.fpfh import FULL_RADIUS_PX, HALF_RADIUS_PX, fpfh
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.windows import thinned
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.resize import Placement, resize_nearest

SIZE = 224
SHARES = (0.13, 0.42, 1.0)
HEAD = ("inside, %", "normals", "edge response", "FPFH, half size", "FPFH, full")
RULE = "| ---: | ---: | ---: | ---: | ---: |"


def bench_features(scan: Scan) -> Rows:
    """CPU ms of an image with a disc of each share inside."""
    placement = Placement(SIZE, 0, 0, SIZE, SIZE)
    xyz_m = resize_nearest(scan.xyz, placement)
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2.0
    rows: Rows = []
    for share in SHARES:
        radius_px = SIZE * np.sqrt(share / np.pi) if share < 1.0 else SIZE
        points, inside = images_of(xyz_m, (np.hypot(x, y) < radius_px) & valid_points(xyz_m))
        vectors, given = normals(points, inside)
        half = [thinned(image, 2) for image in (points, vectors, given)]
        times = [
            best_seconds(call, 3, warm_up=True)
            for call in (
                lambda p=points, i=inside: normals(p, i),
                lambda p=points, v=vectors, g=given: edge_response(p, v, g),
                lambda thin=half: fpfh(*thin, HALF_RADIUS_PX, 2),
                lambda p=points, v=vectors, g=given: fpfh(p, v, g, FULL_RADIUS_PX, 4),
            )
        ]
        inside_percent = 100.0 * float(torch.mean(inside.float()))
        rows.append((f"{inside_percent:.0f}", *(f"{1e3 * seconds:.0f}" for seconds in times)))
    return rows
