"""Scans of small parts, and short trainings of them."""

from types import SimpleNamespace

import numpy as np
import torch

from dcrdf.config.options import TrainOptions
from dcrdf.training.loop import FitContext

from . import binding, oracle, values

SIDE, GRID = 64, 4
PARTS = [(0, 30, 10, 28), (20, 62, 36, 60), (18, 30, 2, 46), (34, 46, 20, 30)]
"""First and last row and column of each scan's part."""


def make_scans(seed=0, height_seed=1):
    """Noise in both modalities; a rectangle, elsewhere in each scan, as the part."""
    count = len(PARTS)
    colours = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), np.uint8)
    height = np.random.default_rng(height_seed).random((count, SIDE, SIDE))
    part = np.zeros((count, SIDE, SIDE), bool)
    for one, (top, bottom, left, right) in zip(part, PARTS, strict=True):
        one[top:bottom, left:right] = True
    return binding.scans_of(colours.repeat(4, axis=1).repeat(4, axis=2), height, part)


def make_shown(detector, scans, **options):
    """By stream of each image what it sees, (C, g, g), and which cells count, None for all."""
    given = {**binding.SMALL, **options}
    colours = binding.colour_features(detector, scans)
    centre = given.get("depth_centre", "image")
    heights = [
        values.depth_channels(height.astype(float), part, GRID, given["depth_cell"], centre)
        for height, part in zip(scans.height, scans.outline, strict=True)
    ]
    cells = [values.cells(part, GRID) for part in scans.outline]
    masks = [None] * len(cells) if given.get("mask") == "all" else cells
    joint = [np.concatenate(pair) for pair in zip(colours, heights, strict=True)]
    return {
        "joint": list(zip(joint, masks, strict=True)),
        "rgb": [(x, None) for x in colours],
        "depth": list(zip(heights, masks, strict=True)),
    }


def make_condition(detector):
    """The encoding that all of its networks read."""
    return oracle.encoding(binding.SMALL["encoding_channels"], GRID, GRID)


def fit(detector, scans, folder, announce=lambda *_: None, **train):
    """Fit a detector on scans, all in one batch; returns the log's rows by stage."""
    given = {"epochs": 1, "batch_size": 4, "cpu_threads": 1, "precision": "float32", **train}
    context = FitContext(folder, 3, "r", TrainOptions(**given), binding.CPU, announce=announce)
    folder.mkdir(exist_ok=True)
    detector.fit(scans, None, context)
    return {
        stage: [row for row in context.losses if row.get("stage") == stage]
        for stage in ("flow", "student")
    }


def watched_optimisers(monkeypatch):
    """Every optimiser that makes a step from now on, in their order: its parameters, what they
    start from, and of each step the rate and the gradients."""
    seen = {}

    class Watched(torch.optim.Adam):
        def step(self, closure=None):
            (group,) = self.param_groups
            if id(self) not in seen:
                start = [x.detach().clone() for x in group["params"]]
                one = SimpleNamespace(parameters=group["params"], start=start, steps=[], of=self)
                seen[id(self)] = one
            gradients = [None if x.grad is None else x.grad.clone() for x in group["params"]]
            seen[id(self)].steps.append((group["lr"], gradients))
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "Adam", Watched)
    return seen
