"""Distances of places, by all that is known of them: own maps, crossmodal ones, stand-ins."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from dcrdf.config.options import StandInRule
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.resilient.banks import Banks, Student, alone
from dcrdf.detectors.resilient.features import Seen
from dcrdf.detectors.resilient.stand_ins import StandIns
from dcrdf.detectors.resilient.training_places import Rows
from dcrdf.modalities import DEPTH, MODALITIES, OTHER, RGB, Modality


class Want(NamedTuple):
    """Whether what the other modality does not explain is added, and where stand-ins are asked."""

    residuals: bool
    stand_ins: StandInRule


class PlaceMaps:
    """From features of places (B, h, w, C) to their maps (B, h, w)."""

    def __init__(self, banks: Banks, stand_in: StandIns | None, student: Student | None) -> None:
        self.banks, self.stand_in, self.student = banks, stand_in, student

    def __call__(self, seen: Seen, want: Want) -> Maps:
        """Own maps of what is there. Where both are there and a transfer is learnt, crossmodal ones
        as wanted; where one is absent and stand-ins are always asked, its stand-in's map and, to be
        fused with it, the other's own. Geometry has values where it is given, else 0."""
        own = {name: self._mapped(seen, name, self._alone) for name in seen.features}
        if self.stand_in is None:
            return Maps(own=own)
        if len(own) == len(MODALITIES):
            if not want.residuals and want.stand_ins == "never":
                return Maps(own=own)
            return Maps(own=own, crossmodal=self._with_the_other(seen, own, want))
        if want.stand_ins != "always":
            return Maps(own=own)
        (present,) = own
        absent = OTHER[present]

        def stand_in(rows: Rows, _: Modality) -> Tensor:
            assert self.stand_in is not None
            return self.stand_in.distances(absent, rows[present])

        return Maps(own=own, crossmodal={**own, absent: self._mapped(seen, present, stand_in)})

    def of_geometry(self, rows: Rows) -> Tensor:
        """Distances (n,) of places that have both, as the geometry's map takes them."""
        return self._complete(rows, DEPTH)

    def _with_the_other(
        self, seen: Seen, own: dict[Modality, Tensor], want: Want
    ) -> dict[Modality, Tensor]:
        assert self.stand_in is not None
        assert seen.given is not None
        assert seen.on_part is not None
        maps = {name: x.clone() for name, x in own.items()}
        rows = {name: x[seen.given] for name, x in seen.features.items()}
        if len(rows[DEPTH]):
            for name, x in maps.items():
                if self.student is not None:
                    x[seen.given] = self._complete(rows, name)
                if want.residuals:
                    told = self.stand_in.told(name, rows[OTHER[name]])
                    x[seen.given] += (rows[name] - told).norm(dim=1)
        holes = seen.on_part & ~seen.given
        if want.stand_ins != "never" and bool(holes.any()):
            found = self.stand_in.distances(DEPTH, seen.features[RGB][holes])
            maps[DEPTH][holes] = found * self.stand_in.hole_scale
        return maps

    def _complete(self, rows: Rows, name: Modality) -> Tensor:
        compared = rows[name] if self.student is None else self.student(rows)[name]
        return self.banks.distances(name, compared)

    def _alone(self, rows: Rows, name: Modality) -> Tensor:
        return self.banks.distances(name, alone(rows[name], name, self.student))

    def _mapped(
        self, seen: Seen, name: Modality, distances: Callable[[Rows, Modality], Tensor]
    ) -> Tensor:
        """A map from the distances at the places where a modality has features."""
        features = seen.features[name]
        where = torch.ones_like(features[..., 0], dtype=torch.bool)
        if name == DEPTH and seen.given is not None:
            where = seen.given
        mapped = torch.zeros_like(features[..., 0])
        if bool(where.any()):
            mapped[where] = distances({name: features[where]}, name)
        return mapped
