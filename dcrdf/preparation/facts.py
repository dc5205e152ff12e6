"""What a prepared file tells of its scans, from the records kept of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Sample, Split
from dcrdf.files.digests import sha256_of_json
from dcrdf.preparation.category_frame import frame_warning
from dcrdf.preparation.decisions import background_is_cut, median_part_share
from dcrdf.preparation.normalise import Mode, PreparationConstants
from dcrdf.preparation.samples import Record, Skipped
from dcrdf.preparation.summary import PARTLESS, PrepareSummary

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
    part_share = median_part_share(train)
    doubtful = [x for x in everything if not x.facts.plane_accepted]
    return PrepareSummary(
        category=records["train"][0].sample.category,
        mode=mode,
        mode_is_automatic=options.mode == "auto",
        counts={split: len(of_split) for split, of_split in records.items()},
        foreground_share=float(np.median([x.foreground_share(mode) for x in train])),
        part_share=part_share,
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
        remarks=_by_remark(everything),
        background_is_cut=background_is_cut(train),
        published_instead=PUBLISHED_INSTEAD.get(options.plane, ""),
        frame=frame_warning([x.facts for x in records["train"]], constants.frame),
        turned=sum(x.facts.turned for x in everything),
        partless=_identities(
            x
            for x in everything
            if mode == "part" and x.sample.is_good and x.facts.part_share < PARTLESS * part_share
        ),
        skipped=tuple((x.sample.identity, x.reason) for x in skipped),
    )


def input_digest(records: Mapping[Split, Sequence[Record]]) -> str:
    """A digest of the content of all files that were used."""
    return digest_of_inputs(
        (record.sample, record.digests) for of_split in records.values() for record in of_split
    )


def digest_of_inputs(samples: Iterable[tuple[Sample, Sequence[str]]]) -> str:
    """The same from samples, in the order of the splits, and the digests of their files."""
    return sha256_of_json([[sample.identity, *digests] for sample, digests in samples])


def camera_digest(samples: Iterable[Sample]) -> str | None:
    """A digest of the cameras of depth images, None where there are none."""
    read = {x.camera for x in samples if x.camera is not None}
    cameras = [[getattr(one, x.name) for x in fields(one) if x.compare] for one in read]
    return sha256_of_json(sorted(cameras, key=repr)) if cameras else None


def _by_remark(records: Iterable[Record]) -> dict[str, list[str]]:
    """What was remarked -> the samples of which it was."""
    found: dict[str, list[str]] = {}
    for record in records:
        for remark in record.facts.remarks:
            found.setdefault(remark.detail, []).append(record.sample.identity)
    return found


def _identities(records: Iterable[Record]) -> tuple[str, ...]:
    return tuple(record.sample.identity for record in records)
