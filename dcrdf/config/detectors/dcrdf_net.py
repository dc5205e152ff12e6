"""DCRDF-Net as the configuration sees it: its parts, the rows of its ablation, our `best`."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions, Need
from dcrdf.config.options import Fusion, MapKind, Positive, Share
from dcrdf.config.teachers import TEACHERS, Strides


class DcrdfNetOptions(DetectorOptions):
    """DCRDF-Net's parts (docs/method.md, sections 3 to 5); all off: dual reverse distillation.

    Beyond the paper: `augment: dihedral` also shows the training images turned by quarter turns and
    mirrored; `natural` shows only those orientations in which good parts come by themselves.
    """

    augmented_by: ClassVar[str] = "augment"

    pseudo_anomalies: bool = True
    gfrn: Literal["none", "literal", "residual"] = "literal"
    gate: Literal["none", "cm_segf"] = "cm_segf"
    gate_evidence: Literal["features", "maps"] = "features"
    gate_hidden: Annotated[int, Field(ge=1, le=65_536)] = 256
    distance: Literal["flattened", "per_pixel"] = "flattened"
    calibrate: bool = False
    focal_gamma: Positive = 2.0
    focal_alpha: Share = 0.75
    decoder_blocks: Literal["mirror", "light"] = "mirror"
    augment: Literal["none", "dihedral", "natural"] = "none"

    @model_validator(mode="after")
    def _gate_needs_masks(self) -> "DcrdfNetOptions":
        if self.gate != "none" and not self.pseudo_anomalies:
            raise ValueError("gate: cm_segf learns from masks, so it needs pseudo_anomalies: true")
        return self

    def needs(self) -> frozenset[Need]:
        """Pseudo-anomalies, where they are trained on."""
        return frozenset({"variants"}) if self.pseudo_anomalies else frozenset()

    def unexportable(self) -> str:
        """With all options it can."""
        return ""

    def augments(self) -> bool:
        """As `augment` says."""
        return self.augment != "none"

    def maps(self) -> frozenset[MapKind]:
        """All kinds."""
        return frozenset({"raw", "whitened", "relative", "crossmodal"})

    def fusions(self, maps: MapKind = "raw") -> frozenset[Fusion]:
        """The learned gate as well, where there is one; it weighs raw maps alone."""
        gated = self.gate == "cm_segf" and maps == "raw"
        return super().fusions(maps) | (frozenset({"cm_segf"}) if gated else frozenset())

    def teachers(self) -> frozenset[str]:
        """Those whose maps halve from stage to stage: the students halve and double with them."""
        return frozenset(name for name, teacher in TEACHERS.items() if teacher.halves)

    def side_step_px(self, strides: Strides) -> int:
        """The embedding has half the places of the last stage, along each side."""
        return 2 * super().side_step_px(strides)


_PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}
_PERLIN = {**_PLAIN, "pseudo_anomalies": True}
_GFRN = {**_PLAIN, "gfrn": "literal"}
_PERLIN_GFRN = {**_PERLIN, "gfrn": "literal"}


def _row(options: Mapping[str, Any], fusion: str) -> Mapping[str, Mapping[str, Any]]:
    return {"options": options, "infer": {"fusion": fusion}}


_PAPER = _row({}, "cm_segf")
_PRINTED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "baseline": _row(_PLAIN, "avg"),
    "perlin": _row(_PERLIN, "avg"),
    "gfrn": _row(_GFRN, "avg"),
    "perlin_gfrn_avg": _row(_PERLIN_GFRN, "avg"),
    "perlin_gfrn_max": _row(_PERLIN_GFRN, "max"),
    "full": _PAPER,
    "rgb_only": _row(_PERLIN_GFRN, "rgb"),
    "depth_only": _row(_PERLIN_GFRN, "depth"),
}
LADDER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    **_PRINTED,
    "perlin_gfrn_zscore_sum": _row(_PERLIN_GFRN, "zscore_sum"),
    "dual_rd": _row(_PLAIN, "zscore_sum"),
}
"""The rows of the ablation (docs/method.md, section 7); the last two are not the paper's. Fixed
fusions are choices at inference, so five trainings serve all rows. Without a gate no gradient
passes between the branches: one training of both is two trainings of one, bit for bit."""

DCRDF_NET = DetectorInfo(
    module="dcrdf.detectors.dcrdf_net.detector:DcrdfNet",
    options=DcrdfNetOptions,
    presets={
        "paper": _PAPER,
        "best": {
            "options": {**_PLAIN, "augment": "natural"},
            "train": {"min_steps": 600},
            "infer": {"maps": "crossmodal", "orientations": 4, "fusion": "level_trust"},
        },
        **LADDER,
    },
    published=dict.fromkeys(("paper", *_PRINTED), ""),
    outside_data={"pseudo": {"textures": "dtd"}},
    own_terms=frozenset(
        {"train.learning_rate", "train.betas", "train.schedule", "infer.fusion", "infer.maps"}
    ),
)
