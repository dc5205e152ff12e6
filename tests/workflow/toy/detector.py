"""Mean and deviation of every pixel's colour, height and distance (tests only)."""

import torch
from torch import nn

from dcrdf.detectors.base import Detector
from dcrdf.detectors.maps import Maps
from dcrdf.modalities import DEPTH, MODALITIES, RGB


class Toy(Detector):
    """Deviations from the mean of good scans, on the part."""

    def __init__(self, teacher, options):
        super().__init__(teacher, options)
        self.network = nn.Module()
        for name in (*MODALITIES, "distance"):
            for moment in ("mean", "deviation"):
                self.network.register_buffer(f"{name}_{moment}", torch.empty(0, 0))

    def fit(self, train, variants, context):
        batch = train.batch(context.device, self.options.needs())
        for name, values in self._seen(batch).items():
            deviation = values.std(dim=0).clamp_min(self.options.least_deviation)
            setattr(self.network, f"{name}_mean", values.mean(dim=0))
            setattr(self.network, f"{name}_deviation", deviation)
        context.say(f"{int(batch.outline.sum())} pixels of the part")

    @torch.no_grad()
    def maps(self, batch):
        seen = self._seen(batch)
        off = {
            name: (values - getattr(self.network, f"{name}_mean")).abs()
            / getattr(self.network, f"{name}_deviation")
            for name, values in seen.items()
        }
        if DEPTH not in off:
            return Maps(own={RGB: off[RGB]})
        off[DEPTH] = torch.maximum(off[DEPTH], off.pop("distance")) * batch.outline
        joint = {"toy_joint": off[RGB] + off[DEPTH]} if RGB in off else {}
        return Maps(own=off, joint=joint)

    @staticmethod
    def _seen(batch):
        seen = {name: image.mean(dim=1) for name, image in batch.images.items()}
        if batch.points is not None:
            seen["distance"] = batch.points[:, 2]
        return seen
