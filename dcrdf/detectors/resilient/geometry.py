"""What a place's surface is like: values of points, on the part, at the places of a grid."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.detectors.resilient.fewer_points import FewerPoints
from dcrdf.detectors.resilient.point_groups import PointGroups
from dcrdf.errors import UserError
from dcrdf.networks.geometry import fpfh, structure
from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.interpolation import place_means
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.sampling import by_samples
from dcrdf.networks.geometry.windows import thinned
from dcrdf.tensors.scans import ScanBatch


class Geometry(NamedTuple):
    """Values (B, C, h, w) of places and where they are given (B, h, w): on the part, measured."""

    values: Tensor
    given: Tensor


class Surface(NamedTuple):
    """Points (B, 3, H, W) in metres; where they are measured, and where on the part (B, H, W)."""

    points: Tensor
    measured: Tensor
    inside: Tensor


def surface_of(batch: ScanBatch) -> Surface:
    """A batch's; `UserError` without points."""
    if batch.points is None or batch.outline is None:
        raise UserError("these scans hold no points; prepare them again with this run")
    measured = batch.points.any(dim=1)
    return Surface(batch.points, measured, measured & batch.outline)


class Describer(nn.Module, ABC):
    """Says what surfaces are like, perhaps by way of fewer points."""

    channels: int

    def __init__(self, options: ResilientOptions) -> None:
        super().__init__()
        self.options = options
        self.fewer = FewerPoints(options)

    @property
    def samples(self) -> bool:
        """Whether points are left out, so that the rule for it has to be fitted."""
        return self.options.sampling != "none"

    @abstractmethod
    def forward(self, batch: ScanBatch, place_px: int) -> Geometry:
        """At places of so many pixels along each side."""

    def shown(self, surface: Surface) -> tuple[Tensor, Tensor, Tensor]:
        """Points, normals (B, 3, H, W) and where there are some, as they are sampled."""
        return surface.points, *normals(surface.points, surface.inside)

    def fit(self, batches: Callable[[], Iterable[ScanBatch]]) -> None:
        """Learn which edges are sharp on training parts, where that counts."""
        if self.samples and self.fewer.keeps_edges:
            self.fewer.fit(self._responses(batches()))

    def _responses(self, batches: Iterable[ScanBatch]) -> Iterable[Tensor]:
        for batch in batches:
            points, vectors, given = self.shown(surface_of(batch))
            yield edge_response(points, vectors, given)[given]


class Histograms(Describer):
    """Fast point feature histograms."""

    channels = fpfh.CHANNELS

    def forward(self, batch: ScanBatch, place_px: int) -> Geometry:
        """(B, 33, h, w)."""
        surface, full = surface_of(batch), self.options.fpfh_grid == "full"
        if not self.samples:
            given = fpfh.fpfh_map(surface.points, surface.inside, place_px, full=full)
            return Geometry(*given)
        points, vectors, where = self.shown(surface)
        radius_px = fpfh.FULL_RADIUS_PX if full else fpfh.HALF_RADIUS_PX
        values, where = fpfh.fpfh(points, vectors, where, radius_px)
        response = edge_response(points, vectors, where)
        asked_px = 2 if full else 1
        places_px = place_px if full else place_px // 2
        return Geometry(
            *by_samples(
                values, points, vectors, where, response, self.fewer.rule, places_px, asked_px
            )
        )

    def shown(self, surface: Surface) -> tuple[Tensor, Tensor, Tensor]:
        """Every second pixel, unless the histograms are of all."""
        images = super().shown(surface)
        if self.options.fpfh_grid == "full":
            return images
        points, vectors, given = (thinned(x, 2) for x in images)
        return points, vectors, given


class Structure(Describer):
    """Covariance, normal and edge response."""

    channels = structure.CHANNELS

    def forward(self, batch: ScanBatch, place_px: int) -> Geometry:
        """(B, 9, h, w)."""
        surface = surface_of(batch)
        upright = structure.plane_normals(surface.points, surface.measured)
        values, given = structure.structure(surface.points, surface.inside, upright)
        if not self.samples:
            return Geometry(*place_means(values, given, place_px))
        points, vectors, _ = self.shown(surface)
        rule, response = self.fewer.rule, values[:, -1]
        return Geometry(
            *by_samples(values, points, vectors, given, response, rule, place_px, asked_px=2)
        )


class PointMae(Describer):
    """A pretrained network of groups of points."""

    channels = PointGroups.channels

    def __init__(self, options: ResilientOptions) -> None:
        super().__init__(options)
        self.network = PointGroups(options)

    @property
    def samples(self) -> bool:
        """The groups' centres are, where they are voxels and edges."""
        return self.options.centres == "voxel"

    def fit(self, batches: Callable[[], Iterable[ScanBatch]]) -> None:
        """Read the pretrained weights first."""
        self.network.read_weights()
        super().fit(batches)

    def forward(self, batch: ScanBatch, place_px: int) -> Geometry:
        """(B, 768, h, w)."""
        points, vectors, given = self.shown(surface_of(batch))
        response = edge_response(points, vectors, given)
        found = self.network(points, vectors, given, response, self.fewer.rule, place_px)
        return Geometry(*found)


DESCRIBERS: dict[str, type[Describer]] = {
    "fpfh": Histograms,
    "structure": Structure,
    "point_mae": PointMae,
}


def describer_of(options: ResilientOptions) -> Describer | None:
    """The options' describer; None where heights are looked at as an image."""
    kind = DESCRIBERS.get(options.geometry)
    return None if kind is None else kind(options)


def is_on_part(batch: ScanBatch, *, as_image: bool) -> Tensor:
    """Where the part is and was measured (B, H, W): by its heights `as_image`, or by points."""
    if not as_image:
        return surface_of(batch).inside
    if batch.outline is None or batch.valid is None:
        raise UserError("these scans hold no outline; prepare them again with this run")
    return torch.logical_and(batch.outline, batch.valid)
