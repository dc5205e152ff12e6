"""The whole objective against sums written out from its description (docs/method.md, 3 to 5).

The branches and the gate are taken as they are; everything between them is done here by hand, image
by image and pixel by pixel.
"""

from math import exp, log, sqrt

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import DETECTORS, DcrdfNetOptions
from dcrdf.detectors.dcrdf_net.network import DcrdfNetwork
from dcrdf.detectors.dcrdf_net.objective import Objective
from dcrdf.networks.teacher import TeacherShape
from dcrdf.training.features import ModalityFeatures
from dcrdf.training.twins import TwinMasks

SHAPE = TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=True)
SIDES = (8, 4, 2)
SIZE = (16, 16)
COUNT = 3
STAGES = range(3)

PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}
DISTILLATION = {"rgb_distillation", "depth_distillation"}
DENOISING = {"rgb_denoising", "depth_denoising"}
FOCAL = {"rgb_focal", "depth_focal"}
VARIETIES = {
    "plain": (PLAIN, DISTILLATION),
    "plain per_pixel": ({**PLAIN, "distance": "per_pixel"}, DISTILLATION),
    "perlin": ({"gfrn": "none", "gate": "none"}, DISTILLATION | FOCAL),
    "gfrn": ({**PLAIN, "gfrn": "literal"}, DISTILLATION | DENOISING),
    "perlin gfrn": ({"gate": "none"}, DISTILLATION | DENOISING | FOCAL),
    "full": ({}, DISTILLATION | DENOISING | FOCAL | {"fused_focal"}),
    "gate without gfrn": ({"gfrn": "none"}, DISTILLATION | FOCAL | {"fused_focal"}),
    "residual": (
        {"gfrn": "residual"}, DISTILLATION | DENOISING | FOCAL | {"fused_focal"},
    ),
    "per_pixel": (
        {"distance": "per_pixel"}, DISTILLATION | DENOISING | FOCAL | {"fused_focal"},
    ),
    "calibrated": (
        {"calibrate": True}, DISTILLATION | DENOISING | FOCAL | {"fused_focal"},
    ),
    "evidence of maps": (
        {"gate_evidence": "maps"}, DISTILLATION | DENOISING | FOCAL | {"fused_focal"},
    ),
    "other focus": (
        {"focal_gamma": 1.5, "focal_alpha": 0.4, "calibrate": True, "gate_evidence": "maps"},
        DISTILLATION | DENOISING | FOCAL | {"fused_focal"},
    ),
}  # fmt: skip
"""Options, and the losses that they ask for."""


def features(seed):
    generator = torch.Generator().manual_seed(seed)

    def of_modality():
        return [
            torch.rand(COUNT, c, side, side, generator=generator, dtype=torch.float64)
            for c, side in zip(SHAPE.channels, SIDES, strict=True)
        ]

    return ModalityFeatures(of_modality(), of_modality())


def masks():
    """Of both modalities, of colour alone and of height alone; the two differ."""
    generator = torch.Generator().manual_seed(9)
    rgb, depth = torch.rand(2, COUNT, *SIZE, generator=generator) < 0.2
    rgb[2], depth[1] = False, False
    return TwinMasks(rgb, depth)


def network_of(options):
    """Random weights; distances and probabilities between 0 and 1, where nothing is cut."""
    torch.manual_seed(0)
    network = DcrdfNetwork(SHAPE, options).double().train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for branch in (network.rgb, network.depth):
            for head in branch.student.decoder.heads:
                head.bias.add_(1.0)
            if branch.calibration is not None:
                branch.calibration.log_slope.fill_(1.0)
                branch.calibration.centre.fill_(0.4)
    return network


def cosine(a, b):
    a, b = a.ravel().tolist(), b.ravel().tolist()
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def distances(student, teacher):
    """1 - cosine at each position of one image's stage (C, h, w)."""
    _, height, width = student.shape
    return np.array(
        [[1 - cosine(student[:, y, x], teacher[:, y, x]) for x in range(width)]
         for y in range(height)]
    )  # fmt: skip


def distillation(student, clean, per_pixel):
    """Sum over twins and stages of the images' mean distance to the clean features."""
    total = 0.0
    for stage in STAGES:
        for row, own in enumerate(student[stage]):
            target = clean[stage][row % COUNT]
            off = distances(own, target).mean() if per_pixel else 1 - cosine(own, target)
            total += off / COUNT
    return total


def denoising(refined, clean):
    """One term (equation 8): the mean over both twins, where distillation is a sum of two."""
    total, twins = 0.0, len(refined[0]) // COUNT
    for stage in STAGES:
        for row, own in enumerate(refined[stage]):
            off = own - clean[stage][row % COUNT]
            total += float((off * off).sum()) / off.size / COUNT
    return total / twins


def map_of(student, shown, calibration, bilinear):
    """Of all images, (N, H, W): measured by the features of the image that is shown."""
    maps = []
    for row in range(len(student[0])):
        stages = [bilinear(distances(student[k][row], shown[k][row]), SIZE) for k in STAGES]
        maps.append(np.clip(np.mean(stages, axis=0), 0.0, 1.0))
    if calibration is None:
        return np.stack(maps)
    slope, centre = exp(calibration.log_slope.item()), calibration.centre.item()
    return 1.0 / (1.0 + np.exp(-slope * (np.stack(maps) - centre)))


def focal(probability, mask, options):
    """Lin et al. (2017), eq. 5; the clean twins come first, with nothing to be found in them."""
    total = 0.0
    for row, image in enumerate(probability):
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                p = float(image[y, x])
                if row >= COUNT and mask[row - COUNT, y, x]:
                    total -= options.focal_alpha * (1 - p) ** options.focal_gamma * log(p)
                else:
                    total -= (1 - options.focal_alpha) * p**options.focal_gamma * log(1 - p)
    return total / probability.size


def as_arrays(stages):
    return [x.detach().numpy() for x in stages]


def losses_by_hand(network, options, clean, perturbed, where, bilinear):
    result, students, maps = {}, {}, {}
    for name in ("rgb", "depth"):
        shown = getattr(clean, name)
        if perturbed is not None:
            shown = [torch.cat(x) for x in zip(shown, getattr(perturbed, name), strict=True)]
        branch = getattr(network, name)
        refined = shown if options.gfrn == "none" else branch.refinement(shown)
        students[name] = branch.student(refined)
        own, target = as_arrays(students[name]), as_arrays(getattr(clean, name))
        per_pixel = options.distance == "per_pixel"
        result[f"{name}_distillation"] = distillation(own, target, per_pixel)
        if options.gfrn != "none":
            result[f"{name}_denoising"] = denoising(as_arrays(refined), target)
        maps[name] = map_of(own, as_arrays(shown), branch.calibration, bilinear)
        assert 2e-4 < maps[name].min() < maps[name].max() < 1 - 2e-4
    if where is None:
        return result
    for name in ("rgb", "depth"):
        result[f"{name}_focal"] = focal(maps[name], getattr(where, name), options)
    if options.gate == "cm_segf":
        rgb, depth = (torch.from_numpy(maps[name]) for name in ("rgb", "depth"))
        s = network.gate(students["rgb"], students["depth"], rgb, depth).detach().numpy()
        fused = s * maps["rgb"] + (1 - s) * maps["depth"]
        either = where.rgb.numpy() | where.depth.numpy()
        result["fused_focal"] = focal(fused, either, options)
    return result


def given(options):
    clean = features(1)
    return (clean, features(2), masks()) if options.pseudo_anomalies else (clean, None, None)


@pytest.mark.parametrize("variety", list(VARIETIES))
def test_every_loss_by_hand(bilinear, variety):
    values, names = VARIETIES[variety]
    options = DcrdfNetOptions(**values)
    network = network_of(options)
    clean, perturbed, where = given(options)
    losses = Objective(network, options, SIZE)(clean, perturbed, where)
    expected = losses_by_hand(network, options, clean, perturbed, where, bilinear)
    assert set(losses) == set(expected) == names
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value, rel=1e-4), name


def test_every_preset_is_among_the_varieties():
    known = [DcrdfNetOptions(**values) for values, _ in VARIETIES.values()]
    for name, preset in DETECTORS["dcrdf_net"].presets.items():
        # How images are turned and what the decoder is made of is no matter of the losses.
        options = DcrdfNetOptions(**{**preset["options"], "augment": "none"})
        assert options in known, name


REACHES = {
    "rgb_distillation": {"rgb.refinement", "rgb.student"},
    "depth_distillation": {"depth.refinement", "depth.student"},
    "rgb_denoising": {"rgb.refinement"},
    "depth_denoising": {"depth.refinement"},
    "rgb_focal": {"rgb.refinement", "rgb.student", "rgb.calibration"},
    "depth_focal": {"depth.refinement", "depth.student", "depth.calibration"},
    "fused_focal": {
        "rgb.refinement", "rgb.student", "rgb.calibration",
        "depth.refinement", "depth.student", "depth.calibration", "gate",
    },
}  # fmt: skip
"""What each loss teaches."""
PARTS = REACHES["fused_focal"]


@pytest.fixture
def taught(monkeypatch):
    """The parameters, a function that gives the losses, and the gradients of each; all in float64,
    since a difference of losses in float32 is mostly noise."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    options = DcrdfNetOptions(calibrate=True, gate_evidence="maps", gfrn="residual")
    network = network_of(options)
    objective, shown = Objective(network, options, SIZE), given(options)

    def losses():
        return objective(*shown)

    parameters = dict(network.named_parameters())
    gradients = {
        name: torch.autograd.grad(
            loss, list(parameters.values()), retain_graph=True, allow_unused=True
        )
        for name, loss in losses().items()
    }
    return parameters, losses, gradients


@pytest.mark.parametrize("loss", list(REACHES))
def test_what_a_loss_teaches(taught, loss):
    parameters, _, gradients = taught
    pairs = zip(parameters, gradients[loss], strict=True)
    reached = {
        part for name, gradient in pairs if gradient is not None and gradient.abs().max() > 0
        for part in PARTS if name.startswith(part)
    }  # fmt: skip
    assert reached == REACHES[loss]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_gradients_are_how_losses_change(taught, part):
    """Against finite differences along a random direction: no way between them is cut off."""
    parameters, losses, gradients = taught
    generator = torch.Generator().manual_seed(3)
    moved = {name: x for name, x in parameters.items() if name.startswith(part)}
    direction = {
        name: torch.randn(x.shape, generator=generator).double() for name, x in moved.items()
    }
    length = sqrt(sum(float(x.square().sum()) for x in direction.values()))
    step = 1e-6 / length

    def losses_at(share):
        with torch.no_grad():
            for name, x in moved.items():
                x.add_(share * direction[name])
            values = {name: loss.item() for name, loss in losses().items()}
            for name, x in moved.items():
                x.sub_(share * direction[name])
        return values

    ahead, behind = losses_at(step), losses_at(-step)
    for loss, of_all in gradients.items():
        by_name = dict(zip(parameters, of_all, strict=True))
        slope = sum(
            float((by_name[name] * direction[name]).sum())
            for name in moved
            if by_name[name] is not None
        )
        found = (ahead[loss] - behind[loss]) / (2.0 * step)
        assert slope == pytest.approx(found, rel=1e-3, abs=1e-6), loss
