"""The typed options of every stage: one closed model per stage, so that a stage's options are
exactly what its output depends on. Numbers that only change speed (processes, device) are
arguments of the commands, not options. Those of teacher, training and scoring are here, the others
beside; all are imported from here."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.data_options import PseudoOptions, SyntheticOptions
from dcrdf.config.prepare_options import Pixels, Positive, PrepareOptions, Share
from dcrdf.config.result_options import (
    CompareOptions,
    Degradation,
    EvaluateOptions,
    ReportOptions,
    RobustnessOptions,
)
from dcrdf.config.teachers import TEACHERS, TeacherName
from dcrdf.config.value_types import Count, Decay, Distinct, Fusion, NonNegative, PathText
from dcrdf.modalities import OTHER, Modality

__all__ = [
    "CROSSMODAL_KINDS",
    "CompareOptions",
    "Count",
    "Decay",
    "Degradation",
    "Distinct",
    "EvaluateOptions",
    "Fusion",
    "InferOptions",
    "MapKind",
    "NonNegative",
    "PathText",
    "Pixels",
    "Positive",
    "PrepareOptions",
    "PseudoOptions",
    "ReportOptions",
    "RobustnessOptions",
    "Share",
    "StandInRule",
    "SyntheticOptions",
    "TeacherOptions",
    "TrainOptions",
]

MapKind = Literal["raw", "whitened", "relative", "crossmodal", "mapping", "likelihood"]
CROSSMODAL_KINDS: frozenset[MapKind] = frozenset({"crossmodal", "mapping"})
"""Those in which the other modality has a say, beside a branch's own map."""


StandInRule = Literal["holes", "always", "never"]
"""Where what one modality tells of the other stands in for it: where heights were never measured,
also where all of a modality is absent, or nowhere."""


class TeacherOptions(Closed):
    """The frozen pretrained network: its name and where its weights come from.

    `weights` is `torchvision` (downloaded and verified), `package` (an installed Python package)
    or the path of a file: a .safetensors trunk, or a pickled state_dict (.pth), which is taken only
    with its `sha256`, as `sha256sum FILE` prints it. There is no fallback to random weights.
    `dino_vits8`, `dino_vitb8` and `dinov2_vits14` take the file that DINO or DINOv2 published, as
    it is, and only with its `sha256`.
    """

    name: TeacherName = "resnet50"
    weights: PathText = "torchvision"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @property
    def _is_file(self) -> bool:
        return self.weights not in ("torchvision", "package")

    @model_validator(mode="after")
    def _pickles_are_pinned(self) -> "TeacherOptions":
        if self._is_file and not self.weights.endswith(".safetensors") and self.sha256 is None:
            raise ValueError(
                f"{self.weights} may be a pickle, which is taken only with a known content;"
                " set sha256 to what `sha256sum` prints for it"
            )
        if not self._is_file and self.sha256 is not None:
            raise ValueError("sha256 belongs to a weight file")
        return self

    @model_validator(mode="after")
    def _weights_are_there(self) -> "TeacherOptions":
        source = TEACHERS[self.name].weights
        if source == "pinned file" and self.sha256 is None:
            raise ValueError(f"{self.name} takes weights: FILE and the file's sha256")
        if self.weights == "package" and source != "package":
            raise ValueError("weights: package exists for efficientnet_lite0 only")
        if self.weights == "torchvision" and source != "torchvision":
            raise ValueError(f"{self.name} takes weights: package or a file")
        return self


class TrainOptions(Closed):
    """Optimisation of the detectors that train in epochs (docs/method.md, section 5).

    `min_steps`: a short training on few images halves its batches, down to 4, until it makes so
    many steps; no additional images are shown. 0: batches are as said.
    `schedule`: the rate stays, falls along half a cosine to zero, or is multiplied by `decay` after
    every epoch (`exponential`).
    """

    epochs: Count = 150
    batch_size: Count = 16
    min_steps: NonNegative = 0
    learning_rate: Positive = 0.005
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    schedule: Literal["constant", "cosine", "exponential"] = "constant"
    decay: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cpu_threads: Annotated[int, Field(ge=1, le=256)] = 2
    feature_cache_mb: NonNegative = 1024

    @property
    def idle(self) -> frozenset[str]:
        """Keys that change nothing with these options: neither recorded nor compared."""
        return frozenset() if self.schedule == "exponential" else frozenset({"decay"})

    def record(self) -> dict[str, Any]:
        """Without what changes nothing."""
        return {key: value for key, value in super().record().items() if key not in self.idle}


class InferOptions(Closed):
    """From branch maps to the fused map, the image score and the threshold.

    `modalities`: the test split is scored with `both`, or as if one had been withheld.
    `stand_ins` (resilient): what one modality tells of the other stands in for it where heights of
    the part were never measured (`holes`), also where all of a modality is absent (`always`), or
    nowhere (`never`). Without it the fused map is that of the modality that is there.
    `replace_unusual`: a modality that is there and alone as unlike good scans as `predict` remarks
    on, or that readings say is dead, counts as absent; defects that only it shows are missed.

    `maps` (dcrdf_net): `whitened` measures a student's error by how rarely good training images
    show such errors; `relative` also by how large they get at places of that content while all is
    well; `crossmodal` first takes off what the other modality explains of the error, for the
    fusion: what a branch says by itself is then `relative`. `crossmodal` (crd): the mix of what the
    student and the other modality expect; `mapping` (crd): what the other modality alone expects.
    `likelihood` (flow_distillation): how unlikely the teacher itself finds a place.
    `fusion: peak_norm` measures each blurred map by the maxima of good validation images and takes
    the 3-norm of the two; `peak_trust` also asks the image at hand: a modality that is
    louder than on any good validation image, nearly everywhere and alone, counts less and is not
    asked about the other, nor are heights that were filled in where many are. `level_trust` also
    measures each map against what is usual in an image that is as loud, as far as the loudness of
    good validation images tells their peaks: for surfaces that are hardly alike.
    `one_class_svm`: both maps by the weights that a linear one-class SVM of good validation pixels
    gives them; as a `score`, both unblurred maps' maxima by those of an SVM of good images.
    `orientations`: an image is scored in at most so many of the orientations in which the training
    images were shown (`options.augment`), and its maps are the mean; it takes as many times longer.
    """

    maps: MapKind = "raw"
    orientations: Annotated[int, Field(ge=1, le=8)] = 1
    fusion: Fusion = "zscore_sum"
    blur_sigma_px: Annotated[float, Field(ge=0.0, le=2048.0)] = 4.0
    score: Literal["max", "top_share", "one_class_svm"] = "max"
    top_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.001
    false_alarm_rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    batch_size: Count = 16
    precision: Literal["float32", "bfloat16"] = "float32"
    cpu_threads: Annotated[int, Field(ge=1, le=256)] = 2
    stand_ins: StandInRule = "holes"
    modalities: Literal["both", "rgb", "depth"] = "both"
    replace_unusual: bool = False

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset(
        {"stand_ins", "modalities", "replace_unusual"}
    )

    @property
    def withheld(self) -> Modality | None:
        """The modality that the test split is scored without."""
        return None if self.modalities == "both" else OTHER[self.modalities]

    @property
    def weighed(self) -> bool:
        """Whether one-class SVMs are asked for weights of both maps."""
        return "one_class_svm" in (self.fusion, self.score)

    @property
    def by_level(self) -> bool:
        """Whether the levels of good images are to explain their peaks."""
        return self.fusion == "level_trust"
