"""What the package calls its parts: the one place where oracles and package meet.

Images are numpy's, (C, h, w), and so is what is given back; weights are those of `oracle`.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.detectors.flow_distillation import losses
from dcrdf.detectors.flow_distillation.detector import FlowDistillation
from dcrdf.detectors.flow_distillation.flow import ConditionalFlow, soft_clamped
from dcrdf.detectors.flow_distillation.inputs import InputMaker
from dcrdf.detectors.flow_distillation.positional import sine_encoding
from dcrdf.detectors.flow_distillation.student import ResidualStudent
from dcrdf.networks.teacher import TeacherShape
from dcrdf.tensors.scans import Scans

from . import oracle

CPU = torch.device("cpu")


def _set(parameter, values):
    values = torch.as_tensor(values, dtype=parameter.dtype)
    assert parameter.shape == values.shape, (parameter.shape, values.shape)
    parameter.data.copy_(values)


def _set_convolution(module, convolution):
    _set(module.weight, convolution.weight)
    _set(module.bias, convolution.bias)


def _convolution_of(module):
    return oracle.Convolution(*(x.detach().double().numpy() for x in (module.weight, module.bias)))


def learnt(module):
    """How many numbers are learnt."""
    return sum(parameter.numel() for parameter in module.parameters())


def tensors(images):
    """Images, or masks, as one batch."""
    return torch.from_numpy(np.stack(images))


# The flow -----------------------------------------------------------------------------------------


def new_flow(channels, condition, kernels=(3, 3, 3, 5), hidden=6, clamp=oracle.CLAMP):
    """As it starts."""
    return ConditionalFlow(channels, condition, kernels, hidden, clamp)


def flow_of(blocks, clamp=oracle.CLAMP, dtype=torch.float64):
    """With these weights; the permutations are its own."""
    weights = [block.net1.first.weight for block in blocks]
    channels = len(blocks[0].order)
    condition = weights[0].shape[1] - channels // 2
    kernels = [weight.shape[-1] for weight in weights]
    flow = new_flow(channels, condition, kernels, len(weights[0]), clamp).to(dtype)
    for module, block in zip(flow.blocks, blocks, strict=True):
        for net, given in ((module.of_first, block.net1), (module.of_second, block.net2)):
            _set_convolution(net.conv1, given.first)
            _set_convolution(net.conv2, given.second)
            net.gamma.data.fill_(given.gamma)
    return flow


def blocks_of(flow):
    """Its weights."""

    def net(module):
        first, second = (_convolution_of(x) for x in (module.conv1, module.conv2))
        return oracle.Net(first, second, module.gamma.item())

    orders = permutations_of(flow)
    return [
        oracle.Coupling(order, net(module.of_first), net(module.of_second))
        for order, module in zip(orders, flow.blocks, strict=True)
    ]


def permutations_of(flow):
    """Of its blocks, in their order."""
    return [block.permutation.numpy() for block in flow.blocks]


def flow_tensors(flow, x, condition):
    """z and log det of one image's tensors."""
    z, log_det = flow(x[None], condition[None])
    return z[0], log_det[0]


def _as_weights(flow, *images):
    dtype = next(flow.parameters()).dtype
    return [torch.from_numpy(x).to(dtype) for x in images]


@torch.no_grad()
def run_flow(flow, x, condition):
    """z and log det of one image."""
    z, log_det = flow_tensors(flow, *_as_weights(flow, x, condition))
    return z.numpy(), log_det.numpy()


@torch.no_grad()
def run_inverse(flow, z, condition):
    """The x of which the flow makes z."""
    z, condition = _as_weights(flow, z, condition)
    return flow.inverse(z[None], condition[None])[0].numpy()


def log_scale(s, clamp):
    return soft_clamped(torch.from_numpy(s), clamp).numpy()


# The student --------------------------------------------------------------------------------------


def new_student(channels, condition, width, blocks):
    """As it starts."""
    return ResidualStudent(channels, condition, width, blocks)


def student_of(weights):
    """With these weights and statistics, in float64, for inference."""
    channels, width = weights.last.weight.shape[:2]
    condition = weights.first.weight.shape[1] - channels
    student = new_student(channels, condition, width, len(weights.blocks)).double().eval()
    _set_convolution(student.entrance, weights.first)
    _set_convolution(student.exit, weights.last)
    for module, block in zip(student.blocks, weights.blocks, strict=True):
        _set_convolution(module.conv1, block.conv1)
        _set_convolution(module.conv2, block.conv2)
        for norm, given in ((module.bn1, block.bn1), (module.bn2, block.bn2)):
            _set(norm.weight, given.gain)
            _set(norm.bias, given.shift)
            _set(norm.running_mean, given.mean)
            _set(norm.running_var, given.variance)
    return student


def student_weights(student):
    """Its weights and statistics."""

    def norm(module):
        held = (module.weight, module.bias, module.running_mean, module.running_var)
        return oracle.Norm(*(x.detach().double().numpy() for x in held))

    blocks = [
        oracle.Residual(
            _convolution_of(module.conv1),
            norm(module.bn1),
            _convolution_of(module.conv2),
            norm(module.bn2),
        )
        for module in student.blocks
    ]
    first, last = (_convolution_of(x) for x in (student.entrance, student.exit))
    return oracle.Student(first, blocks, last)


@torch.no_grad()
def run_student(student, x, condition):
    """What it says z of one image is."""
    return student(torch.from_numpy(x)[None], torch.from_numpy(condition)[None])[0].numpy()


# Losses -------------------------------------------------------------------------------------------


def _cells(masks, shape):
    if masks[0] is None:
        return torch.ones(shape, dtype=torch.bool)
    return tensors(masks)


def nll(z, log_det):
    return losses.unlikeliness(torch.from_numpy(z)[None], torch.from_numpy(log_det)[None])[
        0
    ].numpy()


flow_loss_tensor = losses.likelihood_loss


def flow_loss(images):
    """Of (z, log_det, mask or None)."""
    z, log_det, masks = zip(*images, strict=True)
    log_det = tensors(log_det)
    return flow_loss_tensor(tensors(z), log_det, _cells(masks, log_det.shape)).item()


student_loss_tensor = losses.distillation_loss


def student_loss(images, scales, rule="any"):
    """Of (z of the teacher, z of the student, mask or None)."""
    taught, learnt_, masks = zip(*images, strict=True)
    taught = tensors(taught)
    cells = _cells(masks, (len(taught), *taught.shape[2:]))
    return student_loss_tensor(taught, tensors(learnt_), cells, scales, rule).item()


# Inputs -------------------------------------------------------------------------------------------


def encoding(channels, height, width):
    return sine_encoding(height, width, channels).numpy()


class Colours(nn.Module):
    """A teacher whose features are means of places, and products of two of them."""

    def __init__(self, stride=16):
        super().__init__()
        self.shape = TeacherShape((6, 6, 6), "basic", (1, 1, 1), False, strides=(4, 8, stride))

    def forward(self, images):
        means = [functional.avg_pool2d(images, stride) for stride in self.shape.strides]
        return [torch.cat([x, x * x.roll(1, dims=1)], dim=1) for x in means]


def scans_of(rgb, height, part):
    """Scans (N, S, S) that were measured everywhere."""
    everywhere = np.ones(part.shape, bool)
    return Scans(
        inside=everywhere,
        rgb=rgb,
        height=height.astype(np.float32),
        valid=everywhere,
        outline=part,
        on_part=part,
    )


def _inputs(height, part, grid, **options):
    scans = scans_of(np.zeros((1, *part.shape, 3), np.uint8), height[None], part[None])
    make = InputMaker(Colours(len(part) // grid), FlowDistillationOptions(**options))
    return make.of_good(scans, CPU)


def depth_channels(height, part, grid, size, centre):
    return _inputs(height, part, grid, depth_cell=size, depth_centre=centre).height[0].numpy()


def cells(mask, grid):
    return _inputs(np.zeros(mask.shape), mask, grid).part[0].numpy()


# The detector -------------------------------------------------------------------------------------

STREAMS = ("joint", "rgb", "depth")
SMALL = {"student_channels": 5, "coupling_hidden": 4, "encoding_channels": 8, "depth_cell": 4}


def detector_of(**options):
    """An untrained detector of few channels."""
    torch.manual_seed(0)
    return FlowDistillation(Colours(), FlowDistillationOptions(**{**SMALL, **options}))


def scrambled(detector, seed=0):
    """Every weight and statistic of a detector's networks another one, so that nothing is 0 or 1
    by chance; in place."""
    generator = torch.Generator().manual_seed(seed)
    for name in STREAMS:
        for part in (flow_in(detector, name), student_in(detector, name)):
            for key, x in part.state_dict().items():
                if x.is_floating_point():
                    noise = torch.rand(x.shape, generator=generator)
                    x.add_(0.5 * noise if key.endswith("gamma") else 0.1 * (noise - 0.3))
    return detector


def flow_in(detector, name):
    return detector.network.stream(name).flow


def student_in(detector, name):
    return detector.network.stream(name).student


def floor_in(detector, name):
    """A tensor that holds one number."""
    return detector.network.stream(name).likely


def set_usual_share(detector, share):
    """How much of a training image the part usually takes."""
    detector.network.usual_share.fill_(share)


def standardised_by(detector, name):
    """What is taken off each channel, and what it is divided by, (C,)."""
    stream = detector.network.stream(name)
    return stream.centre.flatten().numpy(), stream.spread.flatten().numpy()


def colour_features(detector, scans):
    """Of each image, (C, g, g)."""
    return detector.teacher(scans.batch(CPU).rgb)[2].double().numpy()
