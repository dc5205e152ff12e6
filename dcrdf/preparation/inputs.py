"""What a category's prepared data would be made from, without making them."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dcrdf.config.layouts import PLACE_KEYS
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.preparation.facts import camera_digest, digest_of_inputs
from dcrdf.preparation.samples import digests_of


class Inputs(NamedTuple):
    """Digests of all files that are read, and of the cameras, where there are any."""

    files: str
    cameras: str | None


def prepare_options(stage_options: Mapping[str, Any]) -> PrepareOptions:
    """The options of preparation in a stage's record."""
    own = {"keep_xyz", *PLACE_KEYS}
    return PrepareOptions.parse(
        {key: value for key, value in stage_options.items() if key not in own}, "prepare"
    )


def inputs_now(
    root: Path,
    stage_options: Mapping[str, Any],
    skipped: Collection[str],
    digest: Callable[[Path], str],
) -> Inputs:
    """The inputs of a category (of a stage's record) as they lie below `root` now, without those
    samples (identities) that were skipped; `UserError` where they cannot be read.

    `digest` gives the SHA-256 of a file's content.
    """
    layout, category = stage_options["layout"], stage_options["category"]
    samples = list_samples(root, layout, category, stage_options.get("reader", {}))
    with_normals = prepare_options(stage_options).reads_normals
    used = [sample for sample in samples if sample.identity not in skipped]
    files = ((x, digests_of(x, digest, with_normals=with_normals)) for x in used)
    return Inputs(digest_of_inputs(files), camera_digest(samples))
