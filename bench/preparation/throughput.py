"""Samples a second from files to HDF5, and where a sample's time goes."""

from collections.abc import Callable
from pathlib import Path

from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.images import read_rgb, read_xyz
from dcrdf.preparation.cloud import valid_points
from dcrdf.preparation.foreground import part_foreground
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.plane import fit_border_plane, height_above
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.resize import place, resize_area, resize_surface


def bench_throughput(folder: Path, samples: list[Sample]) -> Rows:
    """Files to HDF5, with digests, in one process."""
    out = folder / "made.h5"
    seconds = best_seconds(
        lambda: prepare_category(samples, PrepareOptions(), out, "{}", processes=1), 3, warm_up=True
    )
    return [("800 x 800, PNG + plain TIFF", f"{len(samples) / seconds:.1f}")]


def bench_steps(sample: Sample) -> Rows:
    """Where a sample's time goes."""
    scan = load_scan(sample)
    assert sample.xyz is not None
    tiff = sample.xyz
    options = PrepareOptions()
    valid = valid_points(scan.xyz)
    fit = fit_border_plane(scan.xyz, valid, options.border_share, 5e-3)
    assert fit is not None
    height_m = height_above(fit.plane, scan.xyz)
    placement = place((valid.shape[0], valid.shape[1]), options.image_size, "stretch")
    resized_m, measured = resize_surface(height_m, valid, placement)
    steps: dict[str, Callable[[], object]] = {
        "read PNG": lambda: read_rgb(sample.rgb),
        "read TIFF": lambda: read_xyz(tiff),
        "read both and check": lambda: load_scan(sample),
        "SHA-256 of the files": lambda: [sha256_of_file(path) for path in (sample.rgb, tiff)],
        "valid points": lambda: valid_points(scan.xyz),
        "plane": lambda: fit_border_plane(scan.xyz, valid, options.border_share, 5e-3),
        "height": lambda: height_above(fit.plane, scan.xyz),
        "foreground": lambda: part_foreground(height_m, scan.xyz, valid, 2e-3, options),
        "resize colour": lambda: resize_area(scan.rgb, placement),
        "resize height": lambda: resize_surface(height_m, valid, placement),
        "fill holes (256 x 256)": lambda: fill_holes(resized_m, measured, "push_pull"),
    }
    return [
        (name, f"{best_seconds(step, 10, warm_up=True) * 1e3:.1f}") for name, step in steps.items()
    ]
