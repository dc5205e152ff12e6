"""The patch memory bank as the configuration sees it."""

from typing import Annotated, Literal

from pydantic import Field

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions
from dcrdf.config.options import Count, Distinct


class MemoryBankOptions(DetectorOptions):
    """A plain patch memory bank on the teacher's features of both modalities."""

    stages: Distinct[Literal[1, 2, 3]] = (2, 3)
    patch_pool: Literal[1, 3, 5, 7] = 3
    bank_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    bank_max: Count = 20_000


MEMORY_BANK = DetectorInfo(
    module="dcrdf.detectors.memory_bank.detector:MemoryBank",
    options=MemoryBankOptions,
    presets={"default": {"options": {}, "infer": {"fusion": "zscore_sum"}}},
    train_fields=frozenset({"cpu_threads"}),
    own_terms=frozenset({"infer.fusion"}),
)
