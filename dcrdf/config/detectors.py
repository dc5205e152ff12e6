"""What the configuration and the workflow must know of each detector without importing torch:
its options, its presets, and what it needs. The registry holds module names, not modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.options import Count, Positive, Share, TrainOptions


class DcrdfNetOptions(Closed):
    """DCRDF-Net's parts (docs/method.md, sections 3 to 5); all off: dual reverse distillation."""

    pseudo_anomalies: bool = True
    gfrn: Literal["none", "literal", "residual"] = "literal"
    gate: Literal["none", "cm_segf"] = "cm_segf"
    gate_evidence: Literal["features", "maps"] = "features"
    gate_hidden: Count = 256
    distance: Literal["flattened", "per_pixel"] = "flattened"
    calibrate: bool = False
    focal_gamma: Positive = 2.0
    focal_alpha: Share = 0.75
    decoder_blocks: Literal["mirror", "light"] = "mirror"

    @model_validator(mode="after")
    def _gate_needs_masks(self) -> "DcrdfNetOptions":
        if self.gate != "none" and not self.pseudo_anomalies:
            raise ValueError("gate: cm_segf learns from masks, so it needs pseudo_anomalies: true")
        return self


class MemoryBankOptions(Closed):
    """A plain patch memory bank on the teacher's features of both modalities."""

    stages: tuple[Literal[1, 2, 3], ...] = (2, 3)
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
            {"avg", "max", "zscore_sum", "zscore_max", "rgb", "depth"}
        )
    )

    def needs_variants(self, options: Closed) -> bool:
        """Whether training with these options reads the pseudo-anomaly cache."""
        return bool(getattr(options, "pseudo_anomalies", False))

    def allowed_fusions(self, options: Closed) -> frozenset[str]:
        """The fusions this detector offers with these options."""
        gated = getattr(options, "gate", "none") == "cm_segf"
        return self.fusions | {"cm_segf"} if gated else self.fusions


_PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}

DETECTORS: Mapping[str, DetectorInfo] = {
    "dcrdf_net": DetectorInfo(
        module="dcrdf.detectors.dcrdf_net.detector:DcrdfNet",
        options=DcrdfNetOptions,
        presets={
            "paper": {"options": {}, "infer": {"fusion": "cm_segf"}},
            "dual_rd": {"options": _PLAIN, "infer": {"fusion": "zscore_sum"}},
            "best": {"options": _PLAIN, "infer": {"fusion": "zscore_max"}},
        },
    ),
    "memory_bank": DetectorInfo(
        module="dcrdf.detectors.memory_bank:MemoryBank",
        options=MemoryBankOptions,
        train_fields=frozenset({"batch_size", "precision", "cpu_threads"}),
        presets={"default": {"options": {}, "infer": {"fusion": "zscore_sum"}}},
    ),
}
