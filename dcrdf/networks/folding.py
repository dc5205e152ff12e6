"""Batch normalisation of a frozen network folded into its convolutions."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(module: nn.Module) -> None:
    """Fold, in place, every BatchNorm2d into the convolution that its module names just before it.

    In all networks here that convolution feeds it; a test holds folded and plain outputs together.
    The module must be in evaluation mode and can only be used in it from then on.
    """
    children = list(module.named_children())
    for (name, convolution), (norm_name, norm) in pairwise(children):
        if isinstance(norm, nn.BatchNorm2d) and isinstance(
            convolution, (nn.Conv2d, nn.ConvTranspose2d)
        ):
            transposed = isinstance(convolution, nn.ConvTranspose2d)
            setattr(module, name, fuse_conv_bn_eval(convolution, norm, transposed))
            setattr(module, norm_name, nn.Identity())
    for child in module.children():
        fold_batch_norms(child)
