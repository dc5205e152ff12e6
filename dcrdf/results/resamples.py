"""One job's metrics on resampled test images: what paired comparisons of runs are made of.

The images drawn follow from the category and its labels, never from the run or the seed of the
training: the same draw of all runs of a category shows the same images. Draws of different
categories are independent.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import CompareOptions
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.digests import seed_of, sha256_of_json

if TYPE_CHECKING:
    from dcrdf.results.job import Images


@dataclass(frozen=True)
class Resamples:
    """The metrics of one job's fused maps and scores."""

    images: str
    """Digest of the test images' names and kinds, in order."""
    estimates: Mapping[str, float]
    """Metric -> its value on the images as they are; NaN where undefined."""
    drawn: Mapping[str, NDArray[np.float64]]
    """Metric -> its value on each draw (resamples,)."""


def resample_job(
    maps_path: Path, prepared_path: Path, options: CompareOptions, stage: Stage, out: Path
) -> None:
    """Write the metrics of one job on `options.resamples` draws of its test images.

    Raises `UserError` when the maps were made with other settings or for other images.
    """
    from dcrdf.files.hdf5 import new_hdf5, write_attributes
    from dcrdf.metrics import UndefinedMetricWarning
    from dcrdf.results.job import branch_images, open_job

    with open_job(maps_path, prepared_path, stage) as (maps, prepared):
        test = prepared.split("test")
        images = branch_images(maps, test, "fused", options.size, prepared.options)
        shown = sha256_of_json([maps.names, maps.defects])
        known = np.asarray(test.mask_known, dtype=bool)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)  # `evaluate` has told of it
            estimates, drawn = _draw(images, known, options, prepared.category)
    with replacing(out) as temporary, new_hdf5(temporary) as file:
        write_attributes(file, {"stage": stage.to_json(), "images": shown})
        for metric, value in estimates.items():
            file[metric] = drawn[metric]
            file[metric].attrs["estimate"] = value


def _draw(
    images: "Images", mask_known: NDArray[np.bool_], options: CompareOptions, category: str
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Pixels count only where a mask says which are defective; every image counts as an image."""
    from dcrdf.metrics import bootstrap

    seed = seed_of("resample", category)
    one = bootstrap(*images, options.limits, resamples=options.resamples, seed=seed)
    if mask_known.all():
        return dict(one.estimates), dict(one.resampled)
    pixels = bootstrap(
        *images.chosen(mask_known), options.limits, resamples=options.resamples, seed=seed
    )
    parts = {metric: one if metric.startswith("i_") else pixels for metric in one.estimates}
    return (
        {metric: part.estimates[metric] for metric, part in parts.items()},
        {metric: part.resampled[metric] for metric, part in parts.items()},
    )


def read_resamples(path: Path, expected: str) -> Resamples:
    """Read what `resample_job` wrote; `UserError` when it is damaged or its stage record has
    another digest than `expected`."""
    from dcrdf.files.hdf5 import damage_named, open_hdf5, read_attribute, require_stored

    if not path.is_file():
        raise UserError(f"{path}: no such file; run `dcrdf resample` first")
    with damage_named(path, "`dcrdf resample`"), open_hdf5(path) as file:
        digest = digest_of_record(json.loads(read_attribute(file, "stage")))
        for values in file.values():
            require_stored(values)
        read = Resamples(
            read_attribute(file, "images"),
            {metric: float(values.attrs["estimate"]) for metric, values in file.items()},
            {metric: values[:] for metric, values in file.items()},
        )
    if digest != expected:
        raise UserError(f"{path}: was made with other settings; run the workflow again")
    return read
