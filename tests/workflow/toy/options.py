"""A toy detector as the configuration sees it (tests only)."""

from typing import Annotated

from pydantic import Field

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions, Need


class ToyOptions(DetectorOptions):
    """Mean and deviation of every pixel."""

    least_deviation: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01

    def needs(self) -> frozenset[Need]:
        """Where the part is, and its points."""
        return frozenset({"outline", "points"})

    def fusions(self, maps="raw"):
        """Its own joint map as well."""
        return super().fusions(maps) | {"toy_joint"}


TOY = DetectorInfo(
    module="dcrdf.detectors.toy.detector:Toy",
    options=ToyOptions,
    presets={"default": {"infer": {"fusion": "toy_joint", "blur_sigma_px": 1.0}}},
    train_fields=frozenset({"cpu_threads"}),
)
