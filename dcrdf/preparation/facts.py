"""What a prepared file tells of its scans, from the records kept of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Split
from dcrdf.files.digests import sha256_of_json
from dcrdf.preparation.decisions import median_part_share
from dcrdf.preparation.normalise import Mode, PreparationConstants
from dcrdf.preparation.samples import Record, Skipped
from dcrdf.preparation.summary import PrepareSummary

PUBLISHED_INSTEAD = {
    "three_corners": "the published code takes the origin for a corner without points",
    "four_corners": "the published code writes NaN where a corner has no points",
}
"""What is done elsewhere with a scan whose corners give no plane."""


def scalars_of(records: Sequence[Record], mode: Mode) -> dict[str, list[Any]]:
    """What the file holds beside the images of one split: field of `layout` -> a value per scan."""
    samples = [record.sample for record in records]
    facts = [record.facts for record in records]
    return {
        "label": [not x.is_good for x in samples],
        "mask_known": [x.is_good or x.gt is not None for x in samples],
        "defect": [x.defect for x in samples],
        "name": [x.name for x in samples],
        "native_size": [x.native_size for x in facts],
        "plane": [x.plane.coefficients for x in facts],
        "plane_replaced": [x.plane_replaced for x in facts],
        "plane_inlier_share": [x.inlier_share for x in facts],
        "missing_share": [x.missing_share for x in facts],
        "foreground_share": [x.foreground_share(mode) for x in facts],
        "distance_m": [x.distance_m for x in facts],
        "size_m": [x.size_m(mode) for x in facts],
    }


def summarise(
    records: Mapping[Split, Sequence[Record]],
    skipped: Sequence[Skipped],
    constants: PreparationConstants,
    options: PrepareOptions,
) -> PrepareSummary:
    """What was found in a category; `records` of all its splits, the training split among them."""
    mode = constants.mode
    everything = [record for split in records.values() for record in split]
    train = [record.facts for record in records["train"]]
    doubtful = [x for x in everything if not x.facts.plane_accepted]
    return PrepareSummary(
        category=records["train"][0].sample.category,
        mode=mode,
        mode_is_automatic=options.mode == "auto",
        counts={split: len(of_split) for split, of_split in records.items()},
        foreground_share=float(np.median([x.foreground_share(mode) for x in train])),
        part_share=median_part_share(train),
        missing_share=float(np.mean([x.facts.missing_share for x in everything])),
        planes_replaced=_identities(x for x in doubtful if x.facts.plane_replaced),
        planes_doubtful=_identities(x for x in doubtful if not x.facts.plane_replaced),
        height_span_m=constants.high_m - constants.low_m,
        plane_distance_m=constants.plane[3],
        far_points=sum(x.facts.far_points for x in everything),
        with_far_points=_identities(x for x in everything if x.facts.far_points),
        empty_parts=_identities(
            x for x in everything if options.needs_part and x.facts.part_share == 0.0
        ),
        published_instead=PUBLISHED_INSTEAD.get(options.plane, ""),
        skipped=tuple((x.sample.identity, x.reason) for x in skipped),
    )


def input_digest(records: Mapping[Split, Sequence[Record]]) -> str:
    """A digest of the content of all files that were used."""
    return sha256_of_json(
        [
            [record.sample.identity, *record.digests]
            for of_split in records.values()
            for record in of_split
        ]
    )


def _identities(records: Iterable[Record]) -> tuple[str, ...]:
    return tuple(record.sample.identity for record in records)
