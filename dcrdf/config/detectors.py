"""What the configuration and the workflow must know of each detector without importing torch:
its options, its presets, and what it needs. The registry holds module names, not modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.options import Count, Distinct, Positive, Share, TrainOptions


class DcrdfNetOptions(Closed):
    """DCRDF-Net's parts (docs/method.md, sections 3 to 5); all off: dual reverse distillation.

    Beyond the paper: `augment: dihedral` also shows the training images turned by quarter turns and
    mirrored; `natural` shows only those orientations in which good parts come by themselves.
    """

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


class MemoryBankOptions(Closed):
    """A plain patch memory bank on the teacher's features of both modalities."""

    stages: Distinct[Literal[1, 2, 3]] = (2, 3)
    patch_pool: Literal[1, 3, 5, 7] = 3
    bank_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    bank_max: Count = 20_000


@dataclass(frozen=True)
class DetectorInfo:
    """A detector as the configuration and the workflow see it."""

    module: str
    options: type[Closed]
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Preset name -> section name (`options`, `pseudo`, `train`, `infer`) -> overrides."""
    uses_gpu: bool = True
    needs_xyz: bool = False
    train_fields: frozenset[str] = frozenset(TrainOptions.model_fields)
    """The options of section `train` that this detector's training reads."""
    fusions: frozenset[str] = field(
        default_factory=lambda: frozenset(
            {"avg", "max", "zscore_sum", "zscore_max", "peak_norm", "peak_trust", "rgb", "depth"}
        )
    )

    maps: frozenset[str] = frozenset({"raw"})
    """The kinds of maps it offers (`infer.maps`)."""

    def needs_variants(self, options: Closed) -> bool:
        """Whether training with these options reads the pseudo-anomaly cache."""
        return bool(getattr(options, "pseudo_anomalies", False))

    def allowed_fusions(self, options: Closed) -> frozenset[str]:
        """The fusions this detector offers with these options."""
        gated = getattr(options, "gate", "none") == "cm_segf"
        return self.fusions | {"cm_segf"} if gated else self.fusions


_PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}
_PERLIN = {**_PLAIN, "pseudo_anomalies": True}
_GFRN = {**_PLAIN, "gfrn": "literal"}
_PERLIN_GFRN = {**_PERLIN, "gfrn": "literal"}


def _row(options: Mapping[str, Any], fusion: str) -> Mapping[str, Mapping[str, Any]]:
    return {"options": options, "infer": {"fusion": fusion}}


_PAPER = _row({}, "cm_segf")
LADDER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "baseline": _row(_PLAIN, "avg"),
    "perlin": _row(_PERLIN, "avg"),
    "gfrn": _row(_GFRN, "avg"),
    "perlin_gfrn_avg": _row(_PERLIN_GFRN, "avg"),
    "perlin_gfrn_max": _row(_PERLIN_GFRN, "max"),
    "full": _PAPER,
    "rgb_only": _row(_PERLIN_GFRN, "rgb"),
    "depth_only": _row(_PERLIN_GFRN, "depth"),
    "perlin_gfrn_zscore_sum": _row(_PERLIN_GFRN, "zscore_sum"),
    "dual_rd": _row(_PLAIN, "zscore_sum"),
}
"""The rows of the ablation (docs/method.md, section 7). Fixed fusions are choices at inference, so
five trainings serve all rows. Without a gate no gradient passes between the branches: one
training of both is two trainings of one, bit for bit."""

DETECTORS: Mapping[str, DetectorInfo] = {
    "dcrdf_net": DetectorInfo(
        module="dcrdf.detectors.dcrdf_net.detector:DcrdfNet",
        options=DcrdfNetOptions,
        maps=frozenset({"raw", "whitened", "relative", "crossmodal"}),
        presets={
            "paper": _PAPER,
            "best": {
                "options": {**_PLAIN, "augment": "natural"},
                "train": {"min_steps": 600},
                "infer": {"maps": "crossmodal", "orientations": 4, "fusion": "peak_trust"},
            },
            **LADDER,
        },
    ),
    "memory_bank": DetectorInfo(
        module="dcrdf.detectors.memory_bank:MemoryBank",
        options=MemoryBankOptions,
        train_fields=frozenset({"cpu_threads"}),
        presets={"default": {"options": {}, "infer": {"fusion": "zscore_sum"}}},
    ),
}
