"""From files to measured scans, in worker processes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample
from dcrdf.errors import UserError, about
from dcrdf.files.digests import sha256_of_file
from dcrdf.preparation.frame import camera_axes
from dcrdf.preparation.measure import measure_scan
from dcrdf.preparation.measured import MeasuredScan, ScanFacts, TrainingPlane
from dcrdf.preparation.points import picked_points
from dcrdf.workers import Workers


@dataclass(frozen=True)
class Record:
    """What is kept of a measured sample after its images went to the file."""

    sample: Sample
    facts: ScanFacts
    digests: tuple[str, ...]
    """SHA-256 of its files."""
    part_heights_m: NDArray[np.float32] | None = None
    """See `MeasuredScan`."""


@dataclass(frozen=True)
class MeasuredSample:
    """A measured scan, its mask at its own size (test split only) and, where they are kept, its
    points (S, S, 3)."""

    record: Record
    scan: MeasuredScan
    native_gt: NDArray[np.bool_] | None
    xyz: NDArray[np.float32] | None


@dataclass(frozen=True)
class SampleMeasurer:
    """Measures samples; picklable, so that workers can."""

    options: PrepareOptions
    keep_xyz: bool
    training: TrainingPlane | None = None
    frame: Frame = "camera"
    """While there is no `training`."""

    def __call__(self, sample: Sample) -> MeasuredSample:
        """Raises `UserError` when one of the sample's files is unusable."""
        reads_normals = self.options.reads_normals
        scan = load_scan(sample, with_normals=reads_normals)
        with about(sample.xyz or sample.depth or sample.rgb):
            measured = measure_scan(scan, self.options, self.training, self.frame)
        native_gt = None
        if sample.split == "test":
            native_gt = np.zeros(scan.rgb.shape[:2], np.bool_) if scan.gt is None else scan.gt
        digests = digests_of(sample, sha256_of_file, with_normals=reads_normals)
        record = Record(sample, measured.facts, digests, measured.part_heights_m)
        seen = camera_axes(scan) if measured.facts.turned else scan
        xyz = picked_points(seen, measured.part, self.options) if self.keep_xyz else None
        return MeasuredSample(record, measured, native_gt, xyz)


def digests_of(
    sample: Sample, digest: Callable[[Path], str], *, with_normals: bool
) -> tuple[str, ...]:
    """The digests of the files that a sample is read from."""
    files = [sample.rgb, sample.xyz, sample.depth, sample.gt, *[sample.normals] * with_normals]
    return tuple(digest(path) for path in files if path is not None)


@dataclass(frozen=True)
class Skipped:
    """A sample that could not be used, and why."""

    sample: Sample
    reason: str


def measure_samples(
    samples: Iterable[Sample], measurer: SampleMeasurer, workers: Workers, skipped: list[Skipped]
) -> Iterator[MeasuredSample]:
    """Measure samples in order. Unusable ones raise `UserError` if the options are strict, else
    they are added to `skipped`."""
    if measurer.options.strict:
        yield from workers.map(measurer, samples)
        return
    for answer in workers.map(partial(_measure_or_skip, measurer), samples):
        if isinstance(answer, Skipped):
            skipped.append(answer)
        else:
            yield answer


def _measure_or_skip(measurer: SampleMeasurer, sample: Sample) -> MeasuredSample | Skipped:
    try:
        return measurer(sample)
    except UserError as error:
        return Skipped(sample, str(error))
