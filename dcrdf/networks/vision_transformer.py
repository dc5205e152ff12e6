"""Vision transformers whose modules are named as in DINO's published weight files.

Dosovitskiy et al., ICLR 2021; Caron et al. (DINO), ICCV 2021; Oquab et al. (DINOv2), TMLR 2024.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPS = 1e-6
MLP_RATIO = 4


class PatchEmbedding(nn.Module):
    """Patches that do not overlap, each projected linearly."""

    def __init__(self, patch_px: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_px, stride=patch_px)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width, H / patch, W / patch)."""
        patches: Tensor = self.proj(images)
        return patches


class Attention(nn.Module):
    """Scaled dot products of all tokens with all, in heads."""

    def __init__(self, width: int, heads: int, qkv_bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        by_head = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*by_head.unbind(0))
        projected: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return projected


class Perceptron(nn.Module):
    """Two layers with the exact GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, MLP_RATIO * width)
        self.fc2 = nn.Linear(MLP_RATIO * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        mixed: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return mixed


class LayerScale(nn.Module):
    """A factor per channel (Touvron et al., ICCV 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        return tokens * self.gamma


class Block(nn.Module):
    """Attention, then perceptron, each of normalised tokens and added to them."""

    def __init__(
        self,
        width: int,
        heads: int,
        layer_scale: bool,
        qkv_bias: bool = True,
        norm_eps: float = NORM_EPS,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=norm_eps)
        self.attn = Attention(width, heads, qkv_bias)
        self.ls1 = LayerScale(width) if layer_scale else nn.Identity()
        self.norm2 = nn.LayerNorm(width, eps=norm_eps)
        self.mlp = Perceptron(width)
        self.ls2 = LayerScale(width) if layer_scale else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        mixed: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return mixed


class VisionTransformer(nn.Module):
    """Images -> maps of patch tokens after some blocks, each through the final norm.

    `native_side`: how many patches wide and high the images were that the positions were learnt
    on. There are as many blocks as the last of `taken_after` says.
    """

    def __init__(
        self,
        patch_px: int,
        width: int,
        heads: int,
        native_side: int,
        layer_scale: bool = False,
        taken_after: tuple[int, ...] = (4, 8, 12),
    ) -> None:
        super().__init__()
        self.native_side, self.taken_after = native_side, taken_after
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + native_side**2, width))
        self.patch_embed = PatchEmbedding(patch_px, width)
        self.blocks = nn.ModuleList(
            Block(width, heads, layer_scale) for _ in range(taken_after[-1])
        )
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised images (B, 3, H, W), sides multiples of the patch -> maps (B, width, h, w)."""
        patches = self.patch_embed(images)
        size = (patches.shape[2], patches.shape[3])
        first = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self.positions(size)
        features = []
        for number, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            if number in self.taken_after:
                features.append(self.norm(tokens)[:, 1:].transpose(1, 2).unflatten(2, size))
        return features

    def positions(self, size: tuple[int, int]) -> Tensor:
        """The learnt positions, of patches resized bicubically to their grid: (1, 1 + h w, width).

        To the size itself: published code resizes by a factor that is a little larger than needed.
        """
        side = self.native_side
        if size == (side, side):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        resized = functional.interpolate(grid, size, mode="bicubic", align_corners=False)
        return torch.cat([self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)
