"""Tiny prepared samples and fitted detectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.base import build_detector
from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length
from dcrdf.networks.teacher import TEACHERS, TRUNKS, Teacher, TeacherShape, Trunk
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
    "flow": ("flow_distillation", {"student_channels": 8, "coupling_hidden": 8}),
    "memory_bank": ("memory_bank", {}),
    "chosen_bank": (
        "memory_bank",
        {"select": "k_centre", "projection": 8, "bank_precision": "float16", "reweight": 3},
    ),
    "resilient": (
        "resilient",
        {
            "select": "kmeans",
            "bank_size": 64,
            "sampled_max": 500,
            "transfer_steps": 30,
            "transfer_hidden": 16,
        },
    ),
    "resilient_student": (
        "resilient",
        {
            "geometry": "height_image",
            "transfer": "joint",
            "bank_features": "student",
            "bank_size": 64,
            "select": "kmeans",
            "sampled_max": 500,
            "transfer_steps": 30,
            "transfer_hidden": 16,
        },
    ),
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


def shown_to(detector, samples) -> Scans:
    """The samples, with points where the detector looks at some."""
    if "points" not in detector.options.needs():
        return samples
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    z_m = 0.6 - 0.02 * samples.height
    points = np.stack([x * z_m / 300, y * z_m / 300, z_m], axis=-1).astype(np.float32)
    return replace(samples, points=points)


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


class TinyTrunk(nn.Module):
    """Three stages at strides 4, 8, 16 with fixed random weights and batch norms to fold."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        inputs, self.stages = 3, nn.ModuleList()
        for channels, stride in zip(TINY.channels, (4, 2, 2), strict=True):
            convolution = nn.Conv2d(inputs, channels, stride + 1, stride, padding=stride // 2)
            self.stages.append(nn.Sequential(convolution, nn.BatchNorm2d(channels)))
            inputs = channels
        with torch.no_grad():
            for tensor in (*self.parameters(), *self.buffers()):
                if tensor.is_floating_point():
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
            for stage in self.stages:
                stage[0].weight.sub_(0.6)

    def forward(self, images):
        features = []
        for stage in self.stages:
            images = stage(images)
            features.append(images)
        return features


TINY = TeacherShape((12, 16, 24), "basic", (1, 1, 1), signed=True)


def know_tiny(patch):
    """The tiny teacher goes by its name while the patch lasts."""
    patch.setitem(TEACHERS, "tiny", TINY)
    patch.setitem(TRUNKS, "tiny", Trunk(TinyTrunk, str))


@pytest.fixture(autouse=True)
def _tiny_is_known(monkeypatch):
    """Saved detectors name their teacher."""
    know_tiny(monkeypatch)


@pytest.fixture(scope="session")
def teacher():
    """A teacher that costs next to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        know_tiny(patch)
        return Teacher("tiny")


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
            with pytest.MonkeyPatch.context() as patch:  # good images are few and soon known
                patch.setattr(usual_length, "STEPS", 100)
                patch.setattr(crossmodal_prediction, "STEPS", 100)
                detector.fit(shown_to(detector, shown), needed, context)
            # Saved states hold no random state, so trainings must not draw from the global one.
            assert torch.equal(torch.get_rng_state(), random_state)
            cache[key] = (detector, context)
        return cache[key]

    return fit_variety
