"""Tiny prepared samples and fitted detectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.base import build_detector
from dcrdf.networks.teacher import load_teacher
from dcrdf.tensors.device import make_repeatable
from dcrdf.tensors.scans import Scans
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies

SIZE = 64
PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}
VARIETIES = {
    "dual_rd": ("dcrdf_net", PLAIN),
    "paper": ("dcrdf_net", {}),
    "calibrated_maps_residual": (
        "dcrdf_net",
        {"calibrate": True, "gate_evidence": "maps", "gfrn": "residual", "distance": "per_pixel"},
    ),
    "gfrn_only": ("dcrdf_net", {**PLAIN, "gfrn": "literal"}),
    "perlin_gfrn": ("dcrdf_net", {"gate": "none"}),
    "augmented": ("dcrdf_net", {**PLAIN, "augment": "dihedral"}),
    "natural_twins": ("dcrdf_net", {"gate": "none", "gfrn": "none", "augment": "natural"}),
    "crd": ("crd", {}),
    "crd_mapped_after": ("crd", {"filter": "none", "mixing": "after", "absent": "own"}),
    "memory_bank": ("memory_bank", {}),
}


@pytest.fixture(scope="session")
def samples() -> Scans:
    """Smooth random images with a disc as the part."""
    generator = np.random.default_rng(0)
    coarse = generator.random((6, 8, 8, 3))
    rgb = (np.kron(coarse, np.ones((1, 8, 8, 1))) * 255).astype(np.uint8)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    disc = np.hypot(x, y) < 24
    depth = (disc * (1 - np.hypot(x, y) / 48) + 0.02 * generator.random((6, SIZE, SIZE))).astype(
        np.float32
    )
    everywhere = np.ones(depth.shape, np.bool_)
    foreground = np.broadcast_to(disc, depth.shape)
    part = {"outline": foreground, "on_part": depth > 0}
    return Scans(inside=everywhere, rgb=rgb, height=depth, valid=everywhere, **part)


@pytest.fixture(scope="session")
def variants(samples) -> PseudoAnomalies:
    """Two variants of each sample with a changed square."""
    rgb = np.repeat(samples.rgb[:, None], 2, axis=1).copy()
    depth = np.repeat(samples.height[:, None], 2, axis=1).astype(np.float16)
    mask = np.zeros(depth.shape, bool)
    mask[:, 0, 20:30, 20:30] = True
    mask[:, 1, 34:40, 30:44] = True
    rgb[mask] = 255 - rgb[mask]
    depth[mask] += 0.5
    changed = np.ones(mask.shape[:2], bool)
    return PseudoAnomalies(rgb, depth, mask, changed, changed)


@pytest.fixture(scope="session")
def teacher():
    """The small pretrained teacher."""
    return load_teacher("efficientnet_lite0", "package")


@pytest.fixture(scope="session")
def fit(samples, variants, teacher, tmp_path_factory):
    """Fit a variety of detector for two epochs; fitted once for each call's arguments."""
    cache = {}

    def fit_variety(variety, fresh=0, cache_mb=1024, other_depth=False):
        key = (variety, fresh, cache_mb, other_depth)
        if key not in cache:
            name, values = VARIETIES[variety]
            options = DETECTORS[name].options.parse(values, variety)
            make_repeatable(5, 1, with_gradients=True)
            detector = build_detector(name, teacher, options)
            train = TrainOptions(epochs=2, batch_size=4, cpu_threads=1, feature_cache_mb=cache_mb)
            folder = tmp_path_factory.mktemp(variety)
            context = FitContext(folder, 5, variety, train, torch.device("cpu"))
            shown, twins = samples, variants
            if other_depth:
                shown = replace(samples, height=samples.height[::-1].copy())
                twins = replace(variants, depth=variants.depth[::-1].copy())
            needed = twins if "variants" in options.needs() else None
            random_state = torch.get_rng_state()
            detector.fit(shown, needed, context)
            # Saved states hold no random state, so trainings must not draw from the global one.
            assert torch.equal(torch.get_rng_state(), random_state)
            cache[key] = (detector, context)
        return cache[key]

    return fit_variety
