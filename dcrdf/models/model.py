"""A fitted detector ready for use: preparation, scorer and thresholds in one folder."""

from pathlib import Path

import torch

from dcrdf.config.detectors import DetectorOptions
from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import CROSSMODAL
from dcrdf.errors import UserError
from dcrdf.judging.description import entries_named
from dcrdf.judging.judge import LACKS_USUAL_SCANS, Judge
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.usual_scans import UsualScans
from dcrdf.modalities import FUSED, Modality
from dcrdf.models.checkpoint import load_detector
from dcrdf.preparation.image import PreparedImage
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.stand_ins import WITHOUT, StandInCalibrations
from dcrdf.tensors.device import choose_device
from dcrdf.tensors.prepared import scans_of_images


class Model(Judge):
    """A trained model, scored by torch."""

    def __init__(
        self,
        folder: Path,
        device: str = "auto",
        cpu_threads: int | None = None,
        *,
        judge_anyway: bool = False,
    ) -> None:
        super().__init__(judge_anyway=judge_anyway)
        detector, description = load_detector(folder)
        if "scoring" not in description:
            raise UserError(
                f"{folder}: trained but not calibrated;"
                " use the `model` folder that `dcrdf infer` wrote"
            )
        with entries_named(folder):
            scoring = description["scoring"]
            options = InferOptions.parse(scoring["options"], "scoring")
            _check_offered(options, detector.options)
            branches = detector.options.branches()
            calibration = Calibration.from_dict(
                scoring["statistics"], map_names(options, detector.options)
            )
            if options.weighed and calibration.weights is None:
                raise ValueError("the weights of one_class_svm are missing")
            known = scoring.get("usual_scans")
            usual = None if known is None else UsualScans.from_dict(known)
            stand_ins = None
            if "stand_ins" in scoring:
                stand_ins = StandInCalibrations.from_dict(scoring["stand_ins"])
                branches = (*branches, *WITHOUT.values())
            self._describe(description, (FUSED, *branches))
        self._use_set_thresholds(folder)
        self.lacks = LACKS_USUAL_SCANS if usual is None else ""
        torch.set_num_threads(cpu_threads or options.cpu_threads)
        self.scorer = Scorer(detector, options, calibration, choose_device(device), usual)
        self.scorer.stand_ins = stand_ins
        self.scorer.replace_unusual(self.thresholds)

    def answering(self, absent: Modality | None) -> str:
        """As the scorer says."""
        return self.scorer.answering(absent)

    def score(self, image: PreparedImage, absent: Modality | None) -> Prediction:
        """Maps and scores of one prepared scan."""
        scans = scans_of_images([image], self.options)
        return self.scorer.score(scans if absent is None else scans.without(absent))

    @property
    def keeps_points(self) -> bool:
        """Whether the detector reads them."""
        return bool(self.scorer.detector.options.needs_points())


def _check_offered(scoring: InferOptions, detector: DetectorOptions) -> None:
    """Refuse (`UserError`) maps and fusions that the detector does not have."""
    offered = detector.fusions(scoring.maps) if scoring.maps in detector.maps() else frozenset()
    if scoring.fusion not in offered:
        raise UserError(
            f"scoring: maps {scoring.maps!r} with fusion {scoring.fusion!r} are not offered by this"
            " detector; run `dcrdf infer` again"
        )


def map_names(options: InferOptions, detector: DetectorOptions) -> tuple[str, ...]:
    """The maps of which a calibration with these options has statistics."""
    has_crossmodal = detector.has_crossmodal(options.maps, options.stand_ins)
    branches = detector.branches()
    return (*branches, *(CROSSMODAL[name] for name in branches if has_crossmodal))
