"""The detectors that there are, as the configuration and the workflow see them: options, presets,
what each needs and offers. The registry holds names of modules, so it brings no torch."""

from collections.abc import Mapping

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions
from dcrdf.config.detectors.crd import CRD, CrdOptions
from dcrdf.config.detectors.dcrdf_net import DCRDF_NET, LADDER, DcrdfNetOptions
from dcrdf.config.detectors.flow_distillation import (
    FLOW_DISTILLATION,
    FlowDistillationOptions,
)
from dcrdf.config.detectors.memory_bank import MEMORY_BANK, MemoryBankOptions
from dcrdf.config.detectors.resilient import RESILIENT, ResilientOptions

__all__ = [
    "DETECTORS",
    "LADDER",
    "CrdOptions",
    "DcrdfNetOptions",
    "DetectorInfo",
    "DetectorOptions",
    "FlowDistillationOptions",
    "MemoryBankOptions",
    "ResilientOptions",
]

DETECTORS: Mapping[str, DetectorInfo] = {
    "dcrdf_net": DCRDF_NET,
    "crd": CRD,
    "flow_distillation": FLOW_DISTILLATION,
    "memory_bank": MEMORY_BANK,
    "resilient": RESILIENT,
}
