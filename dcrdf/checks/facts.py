"""What `check` keeps of each sample that it has looked at."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.checks.alignment import EdgeProduct, edge_product
from dcrdf.checks.bowl import Bend, border_bend
from dcrdf.checks.partners import Pair, pair_of
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.datasets.load import load_scan, median_distance_m
from dcrdf.datasets.sample import Sample, Scan
from dcrdf.errors import UserError
from dcrdf.files.formats import describe_format
from dcrdf.preparation.foreground import MM, height_threshold_m, shaped
from dcrdf.preparation.measure import measure_scan
from dcrdf.preparation.measured import MeasuredScan, ScanFacts
from dcrdf.preparation.plane import MAD_TO_SIGMA


@dataclass(frozen=True)
class SampleFacts:
    """What is kept of a sample that was looked at. Shares lie in [0, 1]."""

    sample: Sample
    content: str
    formats: tuple[str, str]
    is_grey: bool
    """Whether the colour image has no colours, however its file stores it."""
    distance_m: float
    """Median, from the camera; NaN where that is not at the origin."""
    height_span_m: float
    gt_share: float | None
    scan: ScanFacts
    edges: EdgeProduct
    pair: Pair
    bend: Bend | None
    depth_content: str
    is_flat: bool
    """Whether all points lie at one distance."""
    below_share: float
    """Of the measured surface, what lies behind the background as a part lies before it."""

    @property
    def points_file(self) -> Path:
        """The file with the depth."""
        return self.sample.xyz or self.sample.depth or self.sample.rgb


def look_at(sample: Sample, options: PrepareOptions, frame: Frame = "camera") -> SampleFacts | str:
    """Read and measure a sample; what makes it unusable comes back as text."""
    try:
        scan = load_scan(sample, options.reads_normals)
        measured = measure_scan(scan, options, frame=frame)
        points_file = sample.xyz or sample.depth or sample.rgb
        return SampleFacts(
            sample=sample,
            content=hashlib.sha256(scan.rgb.tobytes()).hexdigest(),
            formats=(describe_format(sample.rgb), describe_format(points_file)),
            is_grey=bool((scan.rgb == scan.rgb[..., :1]).all()),
            distance_m=_distance_m(scan, measured.facts),
            height_span_m=_span_m(measured),
            gt_share=None if scan.gt is None else float(scan.gt.mean()),
            scan=measured.facts,
            edges=edge_product(measured.rgb, measured.surface_m),
            pair=pair_of(measured.rgb, measured.surface_m),
            bend=border_bend(scan.xyz) if frame == "camera" else None,
            depth_content=hashlib.sha256(scan.xyz.tobytes()).hexdigest(),
            is_flat=bool(np.ptp(_distances_m(scan)) == 0.0),
            below_share=_below_share(measured, options),
        )
    except UserError as error:
        return str(error)
    except cv2.error as error:
        return f"{sample.rgb}: cannot be measured: {error}"


def _distance_m(scan: Scan, facts: ScanFacts) -> float:
    """The scan's median distance from the camera; NaN where that is not at the origin."""
    return math.nan if facts.contradicts("camera") else abs(median_distance_m(scan.xyz[..., 2]))


def _distances_m(scan: Scan) -> NDArray[np.float32]:
    """The distances (N,) of all points that were measured."""
    z_m = scan.xyz[..., 2]
    return z_m[z_m != 0.0]


def _below_share(measured: MeasuredScan, options: PrepareOptions) -> float:
    """What lies as far behind the background as a part lies before it, tidied like a part."""
    height_m = measured.surface_m
    noise_m = MAD_TO_SIGMA * float(np.median(np.abs(height_m - np.median(height_m))))
    limit_m = height_threshold_m(noise_m, options.foreground_sigmas, options.foreground_min_mm * MM)
    behind = measured.valid & (height_m < -limit_m)
    return float(shaped(behind, options.component_min_share).mean())


def _span_m(measured: MeasuredScan) -> float:
    """Height between the lowest and the highest hundredth of the measured points."""
    heights_m = measured.surface_m[measured.valid]
    low_m, high_m = np.percentile(heights_m, [1.0, 99.0]) if heights_m.size else (0.0, 0.0)
    return float(high_m - low_m)
