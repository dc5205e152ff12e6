"""The one scoring path: scans -> the detector's maps -> fused map -> image scores.

`infer`, `predict` and the Python API all go through `Scorer`, so a score never depends on which of
them asked for it.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from dcrdf.config.options import InferOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.maps import Maps, averaged, concatenated
from dcrdf.errors import UserError
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.usual_scans import UsualScans
from dcrdf.modalities import DEPTH, FUSED, MODALITIES, OTHER, Modality
from dcrdf.scans.readings import Readings, readings_of
from dcrdf.scoring.calibration import Calibration, GoodFigures
from dcrdf.scoring.depth_sensor import DepthReadings
from dcrdf.scoring.finish import Finish
from dcrdf.scoring.replacing import Limits, Replacing, remark_of, replaced_ones
from dcrdf.scoring.stand_ins import (
    WITHOUT,
    StandInCalibrations,
    as_if_both,
    without_the_absent,
)
from dcrdf.scoring.trust import alone
from dcrdf.tensors.orientation import some_of, turned_back
from dcrdf.tensors.scans import ScanBatch, Scans


class Scorer:
    """A fitted detector with its fusion: scans in, predictions out."""

    def __init__(
        self,
        detector: Detector,
        options: InferOptions,
        calibration: Calibration | None,
        device: torch.device,
        usual: UsualScans | None = None,
    ) -> None:
        self.detector = detector.for_inference().to(device)
        self.detector.map_kind = options.maps
        self.detector.stand_ins = options.stand_ins
        self.stand_ins: StandInCalibrations | None = None
        self.replacing: Replacing | None = None
        self.options = options
        self.device = device
        self.usual = usual
        self._use(calibration)

    def _use(self, calibration: Calibration | None) -> None:
        self.calibration = calibration
        self.finishing = self._finish_by(calibration)

    def _finish_by(self, calibration: Calibration | None) -> Finish:
        return Finish(self.options, calibration, self.detector.silences_background)

    @classmethod
    def calibrate(
        cls,
        detector: Detector,
        options: InferOptions,
        validation: Scans,
        device: torch.device,
        usual: UsualScans | None = None,
    ) -> tuple[Self, list[Prediction]]:
        """A scorer whose fusion statistics come from the validation split, and predictions of that
        split one by one, each by the statistics of the others: a threshold from scores that know
        themselves would promise new good images fewer false alarms than they get. The network sees
        every image once."""
        scorer = cls(detector, options, None, device, usual)
        answer = scorer._maps_of_all(validation)
        calibration, predictions = scorer._held_out(answer, validation, validation)
        scorer._use(calibration)
        return scorer, predictions

    def calibrate_stand_ins(self, validation: Scans) -> dict[Modality, list[Prediction]]:
        """By the modality that is absent, predictions of validation scans without it, each by
        statistics of the others; nothing where nothing stands in. The scorer judges by them from
        then on."""
        if not (self.detector.options.stands_in() and self.options.stand_ins == "always"):
            return {}
        found, calibrations = {}, {}
        for absent in MODALITIES:
            shown = validation.without(absent)
            answer = as_if_both(self._maps_of_all(shown))
            calibrations[absent], found[absent] = self._held_out(answer, validation, shown)
        self.stand_ins = StandInCalibrations(calibrations)
        return found

    def replace_unusual(self, thresholds: Mapping[str, Limits]) -> None:
        """From now on a modality that is not to be trusted is replaced, if the options say so, and
        told on the scale of both by these thresholds of good scans; `UserError` where they cannot
        be compared."""
        if self.options.replace_unusual:
            self.replacing = Replacing.of(thresholds, self.answering)

    def answering(self, absent: Modality | None) -> str:
        """Whose threshold the fused score is judged by, where a modality may be absent."""
        if absent is None:
            return FUSED
        return OTHER[absent] if self.stand_ins is None else WITHOUT[absent]

    def _maps_of_all(self, scans: Scans) -> Maps:
        slices = batch_slices(len(scans), self.options.batch_size)
        return concatenated([self.raw_maps(scans[rows]) for rows in slices])

    def _held_out(
        self, answer: Maps, good: Scans, shown: Scans
    ) -> tuple[Calibration, list[Prediction]]:
        """The calibration by maps of all good scans, and predictions of each, as shown, by those of
        the others."""
        options, detector = self.options, self.detector
        silent = detector.silences_background if shown.absent != DEPTH else frozenset()
        blur_px = options.blur_sigma_px
        figures = GoodFigures.of(
            answer, good, blur_px, silent, weighed=options.weighed, by_level=options.by_level
        )
        predictions = []
        for row in range(len(good)):
            one = slice(row, row + 1)
            held_out = self._finish_by(figures.without(row))
            readings = figures.readings.rows(one) if shown.absent != DEPTH else None
            predictions.append(self.finish(answer.rows(one), shown[one], readings, held_out))
        return figures.calibration(), predictions

    @property
    def shown(self) -> list[int]:
        """The orientations in which every batch is shown to the detector, one after the other."""
        return some_of(self.detector.orientations, self.options.orientations)

    @torch.no_grad()
    def raw_maps(self, scans: Scans) -> Maps:
        """The detector's own maps, before fusion and blur; `UserError` unless they are finite.

        Where the options ask for several orientations and the detector has learnt good images in
        several: the mean of their maps. What it sees in one of them by chance counts less.
        """
        batch = scans.batch(self.device, self.detector.options.needs())
        answer = averaged([self._maps_in(orientation, batch) for orientation in self.shown])
        _require_finite(answer.all())
        return answer

    def _maps_in(self, orientation: int, batch: ScanBatch) -> Maps:
        """Maps of scans that are shown in an orientation, turned back."""
        half = self.options.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            answer = self.detector.maps(batch.turned(orientation))
        return answer.each(lambda x: turned_back(x.float(), orientation))

    def score(self, scans: Scans) -> Prediction:
        """Score scans; without one modality the fused map is the other branch's, or joins it with
        what stands in for the absent one. So it is, told on the scale of both, where a modality is
        there and is replaced."""
        given = self._as_given(scans)
        if self.replacing is None or scans.absent is not None:
            return given
        found = replaced_ones(given.unusual, self._readings_against(given))
        for name, rescaled in self.replacing.by_replaced.items():
            rows = np.flatnonzero([name in amiss for amiss in found])
            if len(rows):
                alone = self._as_given(scans[rows].without(name))
                stood_in = self.stand_ins is not None
                remarks = [remark_of(name, found[at][name], is_stood_in=stood_in) for at in rows]
                given = given.answered_by(alone, rows, rescaled, remarks)
        return given

    def _as_given(self, scans: Scans) -> Prediction:
        """Every modality is taken as it is."""
        raw, readings = self.raw_maps(scans), DepthReadings.of(scans)
        absent = scans.absent
        if absent is None or self.stand_ins is None:
            return self.finish(raw, scans, readings)
        by_both = self._finish_by(self.stand_ins.by_absent[absent])
        return self.finish(as_if_both(raw), scans, readings, by_both)

    def _readings_against(self, given: Prediction) -> list[dict[Modality, str]]:
        """By scan, why readings say that a modality cannot be judged by."""
        if self.usual is None:
            return [{} for _ in given.not_judged]
        return self.usual.amiss(given.readings, {})

    @torch.no_grad()
    def finish(
        self,
        raw: Maps,
        scans: Scans,
        readings: DepthReadings | None,
        finishing: Finish | None = None,
    ) -> Prediction:
        """Raw maps of scans -> fused, blurred maps and image scores; `UserError` where they are
        none. Another `finishing` than the scorer's own may be given."""
        inside = torch.from_numpy(np.ascontiguousarray(scans.inside)).to(self.device)
        part = None
        if self.detector.silences_background and scans.outline is not None:
            part = torch.from_numpy(np.ascontiguousarray(scans.outline)).to(self.device)
        done = (finishing or self.finishing)(raw, inside, readings, part)
        _require_finite(done.maps)
        maps, scores, unusual = (without_the_absent(x, scans.absent) for x in done)
        counted = {} if self.usual is None else readings_of(scans)
        return Prediction(
            {name: x.cpu().numpy() for name, x in maps.items()},
            {name: x.double().cpu().numpy() for name, x in scores.items()},
            {name: x.double().cpu().numpy() for name, x in unusual.items()},
            self._not_judged(len(scans), counted, {} if scans.absent else alone(unusual)),
            counted,
            [""] * len(scans),
        )

    def _not_judged(
        self, count: int, counted: Readings, unusual_alone: Mapping[str, Tensor]
    ) -> list[str]:
        if self.usual is None:
            return [""] * count
        factors = {name: x.double().cpu().numpy() for name, x in unusual_alone.items()}
        return self.usual.reasons(counted, factors)

    def describe(self) -> dict[str, Any]:
        """Options and statistics as JSON; without what older models lack where it is lacking."""
        usual = {} if self.usual is None else {"usual_scans": self.usual.to_dict()}
        if self.stand_ins is not None:
            usual["stand_ins"] = self.stand_ins.to_dict()
        return {
            "options": self.options.record(),
            "statistics": {} if self.calibration is None else self.calibration.to_dict(),
            **usual,
        }


def _require_finite(maps: Mapping[str, Tensor]) -> None:
    """NaN is below every threshold: it would pass for a good part."""
    for name, values in maps.items():
        if not bool(torch.isfinite(values).all()):
            raise UserError(
                f"the {name} map holds NaN or infinity: the model's weights or the heights are"
                " damaged"
            )


def batch_slices(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` rows."""
    return [slice(start, start + size) for start in range(0, count, size)]
