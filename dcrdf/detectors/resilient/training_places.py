"""The training scans' places, computed once and held as the banks hold them."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from dcrdf.detectors.patch_bank.places import Places
from dcrdf.detectors.resilient.features import FeatureMaps, Seen
from dcrdf.errors import UserError
from dcrdf.modalities import DEPTH, MODALITIES, Modality
from dcrdf.tensors.scans import ScanBatch

ROWS = 16_384
"""Places on the device at a time."""
Rows = dict[Modality, Tensor]


class TrainingPlaces:
    """Scaled features (n, C) of all places by modality, on the CPU, and where geometry is given
    (n,)."""

    def __init__(self, features: Rows, given: Tensor, device: torch.device) -> None:
        self.features, self.given, self.device = features, given, device

    @classmethod
    def of(
        cls,
        maps: FeatureMaps,
        seen_of: Callable[[ScanBatch], Seen],
        batches: Iterator[ScanBatch],
        count: int,
        dtype: torch.dtype,
    ) -> "TrainingPlaces":
        """All places of `count` scans; fits the scales. `UserError` where no place has geometry, or
        a feature is too large for the precision."""
        held: Rows = {}
        given, first, device = torch.empty(0), 0, torch.device("cpu")
        for batch in batches:
            seen, device = seen_of(batch), batch.inside.device
            assert seen.given is not None
            if not held:
                per_scan = seen.given[0].numel()
                held = {
                    name: torch.empty(count * per_scan, x.shape[-1], dtype=dtype)
                    for name, x in seen.features.items()
                }
                given = torch.empty(count * per_scan, dtype=torch.bool)
            here = slice(first, first + seen.given.numel())
            first = here.stop
            given[here] = seen.given.flatten().cpu()
            for name, x in seen.features.items():
                held[name][here] = x.flatten(0, 2).to("cpu", dtype)
        if not bool(given.any()):
            raise UserError(
                "no training scan has geometry on the part; look at the data with `dcrdf check`"
            )
        places = cls(held, given, device)
        places._scale(maps)
        return places

    def _scale(self, maps: FeatureMaps) -> None:
        for name, rows in self.features.items():
            where = self.given if name == DEPTH else torch.ones_like(self.given)
            scale = maps.scales[name]
            pairs = zip(rows.split(ROWS), where.split(ROWS), strict=True)
            scale.fit(chunk[chosen].float() for chunk, chosen in pairs)  # type: ignore[operator]
            for chunk in rows.split(ROWS):
                chunk.copy_(scale(chunk.to(self.device).float()).cpu())
            if not all(bool(torch.isfinite(chunk).all()) for chunk in rows.split(ROWS)):
                raise UserError(
                    "options.bank_precision: features are too large or no numbers in"
                    f" {rows.dtype}; set float32, or check the teacher's weights"
                )

    def chunks(self, *, with_geometry: bool) -> Iterator[Rows]:
        """Rows of both modalities on the device, float32: of all places, or of those alone where
        there is geometry."""
        for first in range(0, len(self.given), ROWS):
            here = slice(first, first + ROWS)
            rows = {name: self.features[name][here] for name in MODALITIES}
            if with_geometry:
                chosen = self.given[here]
                rows = {name: x[chosen] for name, x in rows.items()}
            if len(rows[DEPTH]):
                yield {name: x.to(self.device).float() for name, x in rows.items()}

    def places(
        self, channels: int, rows_of: Callable[[Rows], Tensor], *, with_geometry: bool
    ) -> Places:
        """What `rows_of` makes of the places, (n, `channels`), for a bank to choose from."""
        total = int(self.given.sum()) if with_geometry else len(self.given)
        return Places(
            total,
            channels,
            lambda: (rows_of(rows) for rows in self.chunks(with_geometry=with_geometry)),
        )

    def drawn(self, count: int, generator: torch.Generator) -> Rows:
        """At most `count` places where there is geometry, in random order, on the device."""
        numbers = torch.nonzero(self.given)[:, 0]
        chosen = numbers[torch.randperm(len(numbers), generator=generator)[:count]]
        return {name: x[chosen].to(self.device).float() for name, x in self.features.items()}
