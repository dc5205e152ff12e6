"""From prepared scans to scores as one module whose batch size is free: what is exported."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.detectors.maps import Maps, averaged
from dcrdf.export.depth_readings import depth_readings
from dcrdf.scoring.finish import Finished
from dcrdf.scoring.scorer import Scorer
from dcrdf.tensors.orientation import turned_back
from dcrdf.tensors.scans import ScanBatch


class Given(NamedTuple):
    """What a graph is given of B prepared scans: `colour` (B, S, S, 3) uint8, `height` (B, S, S)
    float32, masks (B, S, S) bool, and what the options need beside."""

    colour: Tensor
    height: Tensor
    valid: Tensor
    inside: Tensor
    on_part: Tensor
    outline: Tensor
    normals: Tensor | None = None


class ScanToScore(nn.Module):
    """A scorer without its checks: maps, scores and how unusual each modality is, as tensors.

    All orientations go through the networks in one batch.
    """

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        detector = scorer.detector
        self.teacher, self.network = detector.teacher, detector.network  # so that they are found
        self.finishing = scorer.finishing
        self.shown = scorer.shown
        self._detector = detector
        self._needs_outline = "outline" in detector.options.needs()
        self._levels_on_part = bool(detector.silences_background)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The fields of `Given` that are not None -> all of `named`, one after another."""
        return tuple(self.named(*tensors).values())

    def named(self, *tensors: Tensor) -> dict[str, Tensor]:
        """The same by the outputs' names."""
        given = Given(*tensors)
        readings = depth_readings(given.height, given.valid, given.inside, given.on_part)
        part = given.outline if self._levels_on_part else None
        done = self.finishing(self._raw_maps(self._batch(given)), given.inside, readings, part)
        return outputs_of(done)

    def _batch(self, given: Given) -> ScanBatch:
        surface = given.height.unsqueeze(1).expand(-1, 3, -1, -1)
        if given.normals is not None:
            surface = given.normals.permute(0, 3, 1, 2)
        return ScanBatch(
            inside=given.inside,
            rgb=given.colour.permute(0, 3, 1, 2).float() / 255.0,
            surface=surface,
            valid=given.valid,
            outline=given.outline if self._needs_outline else None,
            has_normals=given.normals is not None,
        )

    def _raw_maps(self, batch: ScanBatch) -> Maps:
        if len(self.shown) == 1:
            return self._detector.maps(batch).each(Tensor.float)
        turned = [batch.turned(orientation) for orientation in self.shown]
        answer = self._detector.maps(_stacked(turned))
        return averaged([_upright(answer, at, self.shown) for at, _ in enumerate(self.shown)])


def outputs_of(done: Finished) -> dict[str, Tensor]:
    """By the names that a graph gives them: no map is called as an input is."""
    return {
        f"{kind}_{name}": x
        for kind, named in (("map", done.maps), ("score", done.scores), ("unusual", done.unusual))
        for name, x in named.items()
    }


def _stacked(batches: list[ScanBatch]) -> ScanBatch:
    def joined(name: str) -> Tensor | None:
        parts = [getattr(one, name) for one in batches]
        return None if parts[0] is None else torch.cat(parts)

    inside = torch.cat([one.inside for one in batches])
    fields = {name: joined(name) for name in ("rgb", "surface", "valid", "outline")}
    return ScanBatch(inside=inside, has_normals=batches[0].has_normals, **fields)


def _upright(answer: Maps, at: int, shown: Sequence[int]) -> Maps:
    """The answer to one of the batches that were stacked, maps turned back."""

    def taken(x: Tensor) -> Tensor:
        return x.unflatten(0, (len(shown), -1))[at]

    part = answer.each(lambda x: turned_back(taken(x).float(), shown[at]))
    scores = {name: taken(x) for name, x in answer.scores.items()}
    return replace(part, scores=scores)
