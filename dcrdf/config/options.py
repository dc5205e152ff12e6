"""The typed options of every stage: one closed model per stage, so that a stage's options are
exactly what its output depends on. Numbers that only change speed (processes, device) are
arguments of the commands, not options."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.prepare_options import Pixels, Positive, PrepareOptions, Share
from dcrdf.config.teachers import TEACHERS, TeacherName
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

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1, le=10**9)]
NonNegative = Annotated[int, Field(ge=0, le=10**18)]


def _usable_path(text: str) -> str:
    """A path as it stands: nothing expands it, and Snakemake must not."""
    if not text.strip():
        raise ValueError("a path is missing")
    if text.startswith("~"):
        raise ValueError("'~' is not expanded; write the path in full")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("a path holds no control characters")
    for letters, name in (("{}", "braces"), ("<>", "angle brackets")):
        if set(letters) & set(text):
            raise ValueError(f"Snakemake takes {name} in a path for a wildcard")
    return text


PathText = Annotated[str, AfterValidator(_usable_path)]

Degradation = Literal[
    "depth_holes_10",
    "depth_holes_30",
    "depth_holes_60",
    "depth_noise_5",
    "depth_noise_20",
    "depth_absent",
    "rgb_overexposed",
    "rgb_blurred",
    "rgb_absent",
]

Value = TypeVar("Value")


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    repeated = [value for at, value in enumerate(values) if value in values[:at]]
    if repeated:
        raise ValueError(f"{repeated[0]} is listed twice")
    return values


Distinct = Annotated[tuple[Value, ...], Field(min_length=1), AfterValidator(_each_once)]
"""One or more values, each once, in the order given."""

Fusion = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
"""The name of a fusion, of those that the detector offers."""

MapKind = Literal["raw", "whitened", "relative", "crossmodal", "mapping", "likelihood"]
CROSSMODAL_KINDS: frozenset[MapKind] = frozenset({"crossmodal", "mapping"})
"""Those in which the other modality has a say, beside a branch's own map."""


StandInRule = Literal["holes", "always", "never"]
"""Where what one modality tells of the other stands in for it: where heights were never measured,
also where all of a modality is absent, or nowhere."""


class SyntheticOptions(Closed):
    """How many samples of the embedded data set to make (per category)."""

    image_size: Annotated[int, Field(ge=64, le=1024)] = 320
    train: Count = 60
    validation: Count = 16
    test_good: Count = 16
    test_per_defect: Count = 6
    seed: NonNegative = 0


class PseudoOptions(Closed):
    """Pseudo-anomalies injected into training samples (docs/method.md, paper eq. 1-7).

    The defaults read the paper as literally as it can be read, and then it does little: 63 to 84 %
    of a mask lies on the most textured fifth of the part (the mask's rank grows with texture), in
    some 20 to 230 pieces with a median of 7 to 14 px; colours change by 21 to 31 grey levels in
    the median, with a texture in the part's own colours, and heights by about a tenth of the
    part's height range. Beyond the paper: `mask: blobs` keeps one to three pieces of a coarser
    field (`blob_cells` lattice cells per image side), anywhere on the part; `strength: uniform`
    drops the weights from S_f; `texture_shift` moves the texture's colour by so many deviations
    of the part's; `variant: modality` changes colour, depth or both, a third each.
    `mask_share` bounds the changed share of the part: the quantile moves where it would leave it.
    """

    variants: Annotated[int, Field(ge=1, le=64)] = 4
    textures: PathText = "procedural"
    mask: Literal["literal", "blobs"] = "literal"
    variant: Literal["joint", "modality"] = "joint"
    edge: Literal["emphasise", "attenuate"] = "emphasise"
    edge_tau: Positive = 1.0
    edge_alpha: Share = 0.3
    edge_band_share: Share = 0.03
    perlin_grids: Annotated[tuple[Pixels, ...], Field(min_length=1)] = (16, 32, 64)
    perlin_weights: tuple[Positive, ...] = (0.5, 0.3, 0.2)
    perlin_kappa: Positive = 1.0
    quantile: tuple[Share, Share] = (0.90, 0.995)
    mask_share: tuple[Share, Share] = (0.005, 0.10)
    blob_cells: tuple[Pixels, Pixels] = (3, 10)
    strength: Literal["weighted", "uniform"] = "weighted"
    colour_strength: tuple[Positive, Positive] = (0.3, 1.0)
    texture_share: tuple[Share, Share] = (0.2, 0.9)
    texture_shift: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    depth_strength: tuple[Positive, Positive] = (0.1, 0.6)
    guide_radius_px: Pixels = 4
    guide_eps: Positive = 1e-3
    seed: NonNegative = 0

    @field_validator(
        "quantile", "mask_share", "blob_cells", "colour_strength", "texture_share", "depth_strength"
    )
    @classmethod
    def _ordered(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] > pair[1]:
            raise ValueError("the lower end is above the upper end")
        return pair

    @model_validator(mode="after")
    def _same_length(self) -> "PseudoOptions":
        if len(self.perlin_grids) != len(self.perlin_weights):
            raise ValueError("perlin_grids and perlin_weights differ in length")
        return self


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

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset({"stand_ins", "modalities"})

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


class EvaluateOptions(Closed):
    """Which metrics, at which sizes (docs/method.md, section 6)."""

    sizes: Distinct[Literal["network", "native"]] = ("network", "native")
    modes: Distinct[Literal["exact", "mvtec100"]] = ("exact",)
    limits: Distinct[Annotated[float, Field(gt=0.0, le=1.0)]] = (0.30, 0.10, 0.05, 0.01)
    bootstrap: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    submission: bool = False


def _two_runs(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError(f"{pair[0]} minus itself says nothing")
    return pair


RunPair = Annotated[tuple[str, str], AfterValidator(_two_runs)]


class CompareOptions(Closed):
    """Paired differences of every run to reference runs, and of `pairs` of runs, the first minus
    the second; none by default.

    The test images of each category are drawn anew `resamples` times, the same for all runs, and a
    difference is taken within each draw, averaged over categories and seeds. AUPRO is exact.
    """

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset({"pairs"})

    references: Annotated[tuple[str, ...], AfterValidator(_each_once)] = ()
    pairs: Annotated[tuple[RunPair, ...], AfterValidator(_each_once)] = ()
    size: Literal["network", "native"] = "native"
    limits: Distinct[Annotated[float, Field(gt=0.0, le=1.0)]] = (0.30, 0.10, 0.05, 0.01)
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95

    @property
    def asks(self) -> bool:
        """Whether any runs are compared."""
        return bool(self.references or self.pairs)

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Key -> the runs that it names."""
        return {
            "references": self.references,
            "pairs": tuple(run for pair in self.pairs for run in pair),
        }


class RobustnessOptions(Closed):
    """Test scans made worse before preparation, and scored again (docs/robustness.md); none: no
    such evaluation."""

    degradations: Annotated[tuple[Degradation, ...], AfterValidator(_each_once)] = ()
    seed: NonNegative = 0


class ReportOptions(Closed):
    """The HTML page."""

    title: str = "dcrdf report"
    examples: NonNegative = 4
