"""What a bank of remembered patches holds, as the configuration sees it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from dcrdf.config.detectors.base import DetectorOptions
from dcrdf.config.options import Count


class PatchBankOptions(DetectorOptions):
    """A detector that remembers patches of good images: which, how many, and how they measure."""

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset(
        {"select", "bank_size", "sampled_max", "projection", "bank_precision", "reweight"}
    )

    select: Literal["random", "kmeans", "k_centre"] = "random"
    bank_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    bank_max: Count = 20_000
    bank_size: Count | Literal["elbow"] | None = None
    sampled_max: Count = 50_000
    projection: Annotated[int, Field(ge=0, le=4096)] = 0
    bank_precision: Literal["float32", "float16"] = "float32"
    reweight: Annotated[int, Field(ge=0, le=1000)] = 0

    @model_validator(mode="after")
    def _chooses_by_what_it_says(self) -> "PatchBankOptions":
        if self.bank_size == "elbow" and self.select != "kmeans":
            raise ValueError("bank_size: elbow belongs to select: kmeans")
        if self.select == "random":
            if (self.sampled_max, self.projection) != (50_000, 0):
                raise ValueError(
                    "sampled_max and projection belong to select: kmeans or k_centre; leave them"
                    " out"
                )
        elif self.most > self.sampled_max:
            raise ValueError(
                f"{self.most} places cannot be chosen of {self.sampled_max}; raise sampled_max"
            )
        if self.reweight == 1:
            raise ValueError("reweight: one neighbour takes all weight; set 0, or 2 and more")
        return self

    @property
    def most(self) -> int:
        """The most places that may be asked for, but by the elbow."""
        if self.bank_size is None:
            return self.bank_max
        return 1 if self.bank_size == "elbow" else self.bank_size
