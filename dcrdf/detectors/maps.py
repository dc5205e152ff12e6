"""A detector's answer to a batch of scans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self

import torch
from torch import Tensor

from dcrdf.modalities import MODALITIES, Modality

Named = Mapping[str, Tensor]
CROSSMODAL = {name: f"{name}_crossmodal" for name in MODALITIES}
"""What a branch's map is called among all maps when the other modality had a say in it."""


@dataclass(frozen=True, kw_only=True)
class Maps:
    """Raw anomaly maps (B, H, W) of B scans, larger where a place is less like good parts.

    `own` by branch, each as if the other modality were absent; `crossmodal` by branch, where the
    other had a say, or stood in for an absent one; `joint` by name, fused by the detector itself;
    `scores` (B,) by branch or `fused`, image scores of its own.
    """

    own: Named = field(default_factory=dict)
    crossmodal: Named = field(default_factory=dict)
    joint: Named = field(default_factory=dict)
    scores: Named = field(default_factory=dict)

    def asked(self) -> dict[Modality, Tensor]:
        """By branch the crossmodal map where there is one, else the branch's own."""
        return {**self.own, **self.crossmodal}

    def by_branch(self) -> dict[str, Tensor]:
        """Own and crossmodal maps by the names that their statistics go by."""
        crossmodal = {CROSSMODAL[name]: x for name, x in self.crossmodal.items()}
        return {**self.own, **crossmodal}

    def each(self, function: Callable[[Tensor], Tensor]) -> Self:
        """A function applied to every map; scores stay."""
        kinds = {kind: getattr(self, kind) for kind in ("own", "crossmodal", "joint")}
        changed = {
            kind: {name: function(x) for name, x in maps.items()} for kind, maps in kinds.items()
        }
        return type(self)(**changed, scores=self.scores)

    def rows(self, rows: slice) -> Self:
        """The answer to some of the scans."""
        return type(self)(
            **{
                kind.name: {name: x[rows] for name, x in getattr(self, kind.name).items()}
                for kind in fields(self)
            }
        )

    def all(self) -> dict[str, Tensor]:
        """Every map and score, for checks of what they hold."""
        return {
            f"{name} {kind.name}": x
            for kind in fields(self)
            for name, x in getattr(self, kind.name).items()
        }


def joined(answers: Sequence[Maps], join: Callable[[Sequence[Tensor]], Tensor]) -> Maps:
    """Answers of the same kind brought together, tensor by tensor."""
    return Maps(
        **{
            kind.name: {
                name: join([getattr(one, kind.name)[name] for one in answers])
                for name in getattr(answers[0], kind.name)
            }
            for kind in fields(Maps)
        }
    )


def concatenated(answers: Sequence[Maps]) -> Maps:
    """The answers to consecutive batches as one."""
    return joined(answers, lambda parts: torch.cat(list(parts)))


def averaged(answers: Sequence[Maps]) -> Maps:
    """The mean of answers to the same scans."""

    def mean(parts: Sequence[Tensor]) -> Tensor:
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total / len(parts)

    return joined(answers, mean)
