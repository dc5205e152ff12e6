"""Raw scans of a category -> one HDF5 file, each file read once.

Training scans are written in metres first; when they have decided mode, plane and height range,
their rows are finished in place and the other splits follow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import SPLITS, Sample, Split
from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.hdf5 import NewFile, new_hdf5, write_attributes
from dcrdf.preparation.category_frame import category_frame
from dcrdf.preparation.decisions import (
    evenly_picked,
    require_parts,
    training_constants,
    training_plane,
)
from dcrdf.preparation.facts import camera_digest, input_digest, scalars_of, summarise
from dcrdf.preparation.image import Finisher
from dcrdf.preparation.measured import ScanFacts, TrainingPlane
from dcrdf.preparation.normalise import Mode, PreparationConstants
from dcrdf.preparation.samples import (
    MeasuredSample,
    Record,
    SampleMeasurer,
    Skipped,
    measure_samples,
)
from dcrdf.preparation.summary import PrepareSummary
from dcrdf.preparation.writer import SplitWriter
from dcrdf.workers import Workers


def prepare_category(
    samples: Sequence[Sample],
    options: PrepareOptions,
    out: Path,
    stage_json: str,
    processes: int,
    keep_xyz: bool = False,
) -> PrepareSummary:
    """Prepare all samples of one category into the HDF5 file `out` (see `layout`).

    The same samples and options give the same arrays whatever `processes`. `keep_xyz` keeps the
    points, picked at the networks' size.

    Raises:
        UserError: no training samples; an unusable scan (`strict`); a split without any usable
            scan; `out` cannot be written. `out` then stays as it was.
    """
    if not any(sample.split == "train" for sample in samples):
        raise UserError(f"{samples[0].category if samples else out}: no training samples")
    with (
        replacing(out) as aside,
        Workers(processes) as workers,
        new_hdf5(aside) as file,
    ):
        run = _CategoryRun(samples, SampleMeasurer(options, keep_xyz), workers, file)
        constants = run.write_train()
        for split in SPLITS[1:]:
            run.write_split(split, constants)
        summary = summarise(run.records, run.skipped, constants, options)
        attributes = {
            "category": summary.category,
            "stage": stage_json,
            "options": options.record(),
            "constants": constants.to_dict(),
            "summary": summary.to_dict(),
            "skipped": summary.skipped,
            "input_digest": input_digest(run.records),
        }
        cameras = camera_digest(samples)
        attributes |= {} if cameras is None else {"camera_digest": cameras}
        write_attributes(file, attributes)
    return summary


class _CategoryRun:
    """One category on its way into the file; `records` of the samples that are in it, by split,
    and the `skipped` ones grow with it."""

    def __init__(
        self,
        samples: Sequence[Sample],
        measurer: SampleMeasurer,
        workers: Workers,
        file: NewFile,
    ) -> None:
        self._samples = samples
        self._category = samples[0].category
        self._measurer = measurer
        self._options = measurer.options
        self._workers = workers
        self._file = file
        normals = self._options.surface == "normals"
        self._optional = ["xyz"] * measurer.keep_xyz + ["normals"] * normals
        self._unfinished = ["depth", "valid", "foreground", *["normals"] * normals]
        self.skipped: list[Skipped] = []
        self.records: dict[Split, list[Record]] = {}

    def write_train(self) -> PreparationConstants:
        """Write the training split and decide the constants on it."""
        writer = self._writer("train")
        records = []
        for found in self._measured("train", self._measurer):
            writer.append(_images(found), None)
            records.append(found.record)
        frame = category_frame([x.facts for x in records], self._options, self._category)
        if frame != "camera":
            self._measure_again(records, range(len(records)), writer, frame=frame)
        facts = [x.facts for x in records]
        training = training_plane(facts, self._options, self._category, frame)
        needy = [
            index
            for index, scan in enumerate(facts)
            if training.is_needed_by(scan) or scan.contradicts(frame)
        ]
        self._measure_again(records, needy, writer, training=training)
        require_parts([x.facts for x in records], self._options, self._category)
        heights_m = self._training_heights(writer, records, training.mode)
        constants = training_constants(training, heights_m, self._options, self._category)
        finisher = Finisher(self._options, constants)
        for index, record in enumerate(records):
            images = {name: writer.read(name, index) for name in self._unfinished}
            writer.update(index, _finished(images, record.facts, finisher))
        self.records["train"] = records
        writer.close(scalars_of(records, constants.mode))
        return constants

    def write_split(self, split: Split, constants: PreparationConstants) -> None:
        """Write the validation or the test split."""
        writer = self._writer(split)
        training = TrainingPlane.of(constants)
        records = []
        finisher = Finisher(self._options, constants)
        for found in self._measured(split, replace(self._measurer, training=training)):
            images = _images(found)
            finished = _finished(images, found.record.facts, finisher)
            writer.append(images | finished, found.native_gt)
            records.append(found.record)
        self.records[split] = records
        writer.close(scalars_of(records, constants.mode))

    def _writer(self, split: Split) -> SplitWriter:
        return SplitWriter(
            self._file,
            split,
            room=sum(sample.split == split for sample in self._samples),
            image_size=self._options.image_size,
            optional=self._optional,
        )

    def _measured(self, split: Split, measurer: SampleMeasurer) -> Iterator[MeasuredSample]:
        samples = [sample for sample in self._samples if sample.split == split]
        before = len(self.skipped)
        yield from measure_samples(samples, measurer, self._workers, self.skipped)
        failed = self.skipped[before:]
        if samples and len(failed) == len(samples):
            raise UserError(f"{failed[0].reason} (no {split} scan of the category is usable)")

    def _measure_again(
        self, records: list[Record], again: Sequence[int], writer: SplitWriter, **known: Any
    ) -> None:
        """Some training scans, now that their frame, or the training plane, is known."""
        measurer = replace(self._measurer, **known)
        samples = [records[index].sample for index in again]
        for index, found in zip(again, self._workers.map(measurer, samples), strict=True):
            writer.update(index, _images(found))
            records[index] = found.record

    def _training_heights(
        self, writer: SplitWriter, records: Sequence[Record], mode: Mode
    ) -> Iterator[NDArray[np.float32]]:
        for index, record in enumerate(records):
            if record.part_heights_m is not None:
                yield record.part_heights_m
                continue
            inside = writer.read("valid", index)
            if mode == "part":
                inside &= writer.read("foreground", index)
            heights_m = writer.read("depth", index)[inside]
            yield evenly_picked(heights_m, len(records), self._options.image_size)


def _finished(
    images: dict[str, NDArray[Any]], facts: ScanFacts, finisher: Finisher
) -> dict[str, NDArray[Any]]:
    """The images of a sample that its category's constants change."""
    valid, part, size = images["valid"], images["foreground"], facts.native_size
    depth, foreground = finisher.depth(images["depth"], valid, part, size)
    finished: dict[str, NDArray[Any]] = {"depth": depth, "foreground": foreground}
    if "normals" in images:
        finished["normals"] = finisher.normals(images["normals"], valid, part, size)
    return finished


def _images(found: MeasuredSample) -> dict[str, NDArray[Any]]:
    """The images of a sample that is not finished yet: heights in metres, the part."""
    scan = found.scan
    images: dict[str, NDArray[Any]] = {
        "rgb": scan.rgb,
        "depth": scan.surface_m,
        "valid": scan.valid,
        "foreground": scan.part,
        "gt": scan.gt,
    }
    optional = {"xyz": found.xyz, "normals": scan.normals}
    return images | {name: values for name, values in optional.items() if values is not None}
