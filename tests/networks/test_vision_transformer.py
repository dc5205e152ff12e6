"""The transformer against loops in float64, and DINO's files as they were published."""

import math

import numpy as np
import pytest
import torch

from dcrdf.errors import UserError
from dcrdf.networks.teacher import Teacher
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.networks.vision_transformer import VisionTransformer

PATCH, WIDTH, HEADS, SIDE = 4, 6, 2, 3
"""Small, with 2 heads of 3 channels and positions for 3 x 3 patches."""
TAKEN_AFTER = (1, 2, 3)


@pytest.fixture(params=[False, True], ids=["plain", "layer_scale"])
def transformer(request):
    torch.manual_seed(0)
    network = VisionTransformer(PATCH, WIDTH, HEADS, SIDE, request.param, TAKEN_AFTER)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network.double().requires_grad_(False)


def norm(x, weights, name):
    """Each token (row of x) less its mean, over its deviation."""
    rows = []
    for row in x:
        spread = math.sqrt(sum((v - row.mean()) ** 2 for v in row) / len(row) + 1e-6)
        rows.append((row - row.mean()) / spread)
    return np.array(rows) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def attention(x, weights, name):
    """Token by token, head by head: softmax of scaled products, and the mean it weighs."""
    depth = WIDTH // HEADS
    query, key, value = np.split(linear(x, weights, f"{name}.qkv"), 3, axis=1)
    result = np.zeros_like(x)
    for head in range(HEADS):
        own = slice(head * depth, (head + 1) * depth)
        for i in range(len(x)):
            likes = [
                math.exp(query[i, own] @ key[j, own] / math.sqrt(depth)) for j in range(len(x))
            ]
            for like, j in zip(likes, range(len(x)), strict=True):
                result[i, own] += like / sum(likes) * value[j, own]
    return linear(result, weights, f"{name}.proj")


def perceptron(x, weights, name):
    hidden = linear(x, weights, f"{name}.fc1")
    gelu = np.vectorize(lambda v: 0.5 * v * (1.0 + math.erf(v / math.sqrt(2.0))))
    return linear(gelu(hidden), weights, f"{name}.fc2")


def maps_by_hand(image, weights):
    """Maps (width, rows, columns) after each block of an image (3, H, W)."""
    rows, columns = image.shape[1] // PATCH, image.shape[2] // PATCH
    filters, bias = weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"]
    tokens = [weights["cls_token"][0, 0]]
    for i in range(rows):
        for j in range(columns):
            patch = image[:, i * PATCH : (i + 1) * PATCH, j * PATCH : (j + 1) * PATCH]
            tokens.append(np.array([(patch * f).sum() for f in filters]) + bias)
    x = np.array(tokens) + weights["pos_embed"][0]
    maps = []
    for block in range(len(TAKEN_AFTER)):
        name, one = f"blocks.{block}", np.ones(WIDTH)
        attended = attention(norm(x, weights, f"{name}.norm1"), weights, f"{name}.attn")
        x = x + weights.get(f"{name}.ls1.gamma", one) * attended
        mixed = perceptron(norm(x, weights, f"{name}.norm2"), weights, f"{name}.mlp")
        x = x + weights.get(f"{name}.ls2.gamma", one) * mixed
        maps.append(norm(x, weights, "norm")[1:].T.reshape(WIDTH, rows, columns))
    return maps


def test_maps_are_those_of_loops(transformer):
    images = torch.rand(2, 3, SIDE * PATCH, SIDE * PATCH, dtype=torch.float64)
    weights = {key: x.numpy() for key, x in transformer.state_dict().items()}
    found = transformer(images)
    for number, image in enumerate(images.numpy()):
        for ours, expected in zip(found, maps_by_hand(image, weights), strict=True):
            np.testing.assert_allclose(ours[number].numpy(), expected, rtol=1e-9, atol=1e-9)


def cubic(distance):
    """Keys' kernel with a = -0.75."""
    x, a = abs(distance), -0.75
    if x <= 1.0:
        return (a + 2.0) * x**3 - (a + 3.0) * x**2 + 1.0
    return a * (x**3 - 5.0 * x**2 + 8.0 * x - 4.0) if x < 2.0 else 0.0


def resized_by_hand(row, count):
    """Values at the centres of `count` equal pieces of a row, which ends go beyond its border."""
    result = []
    for i in range(count):
        centre = (i + 0.5) * len(row) / count - 0.5
        near = range(math.floor(centre) - 1, math.floor(centre) + 3)
        result.append(sum(cubic(centre - j) * row[min(max(j, 0), len(row) - 1)] for j in near))
    return np.array(result)


@pytest.mark.parametrize("size", [(3, 3), (5, 3), (2, 7)])
def test_positions_are_resized_to_the_grid_bicubically(transformer, size):
    learnt = transformer.pos_embed.numpy()[0]
    grid = learnt[1:].reshape(SIDE, SIDE, WIDTH)
    columns = np.apply_along_axis(resized_by_hand, 0, grid, size[0])
    expected = np.apply_along_axis(resized_by_hand, 1, columns, size[1]).reshape(-1, WIDTH)
    found = transformer.positions(size)[0].numpy()
    np.testing.assert_array_equal(found[0], learnt[0])
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12, atol=1e-12)
    if size == (SIDE, SIDE):
        np.testing.assert_array_equal(found, learnt)


PUBLISHED = {"dino_vits8": (8, 384, 785), "dino_vitb8": (8, 768, 785),
             "dinov2_vits14": (14, 384, 1370)}  # fmt: skip
"""Patch in px, width, and positions: 28 x 28 patches of 224 px, 37 x 37 of 518 px, and one more."""


def published_shapes(name):
    """Tensors of the published file: of the backbone, and in DINOv2's what masks a patch."""
    patch, width, positions = PUBLISHED[name]
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, positions, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for block in range(12):
        for part in ("norm1", "norm2"):
            shapes |= {f"blocks.{block}.{part}.{x}": (width,) for x in ("weight", "bias")}
        for part, outputs, inputs in (
            ("attn.qkv", 3 * width, width), ("attn.proj", width, width),
            ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width),
        ):  # fmt: skip
            shapes[f"blocks.{block}.{part}.weight"] = (outputs, inputs)
            shapes[f"blocks.{block}.{part}.bias"] = (outputs,)
        if name == "dinov2_vits14":
            shapes |= {f"blocks.{block}.{x}.gamma": (width,) for x in ("ls1", "ls2")}
    return shapes | ({"mask_token": (1, width)} if name == "dinov2_vits14" else {})


def published_file(path, name, without=()):
    """A file of such tensors, each of one number of its own, and these numbers."""
    shapes = {key: x for key, x in published_shapes(name).items() if key not in without}
    number = {key: float(at) for at, key in enumerate(shapes)}
    torch.save({key: torch.tensor(number[key]).expand(x) for key, x in shapes.items()}, path)
    return number


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_teachers_hold_what_was_published_and_nothing_else(name):
    with torch.device("meta"):
        held = {key: tuple(x.shape) for key, x in Teacher(name).state_dict().items()}
    expected = {f"stages.{key}": x for key, x in published_shapes(name).items()}
    expected.pop("stages.mask_token", None)
    assert held == expected


@pytest.mark.parametrize("name", ["dino_vits8", "dinov2_vits14"])
def test_a_published_file_loads_as_it_is(tmp_path, name):
    number = published_file(tmp_path / "dino.pth", name)
    held = load_teacher(name, tmp_path / "dino.pth").state_dict()
    assert all((x == number[key.removeprefix("stages.")]).all() for key, x in held.items())


def test_a_file_that_lacks_a_layer_is_refused(tmp_path):
    lacking = ("blocks.11.attn.proj.weight", "blocks.11.attn.proj.bias")
    published_file(tmp_path / "part.pth", "dino_vits8", lacking)
    with pytest.raises(UserError, match=r"part\.pth: lacks 2 tensors of dino_vits8.*blocks\.11\."):
        load_teacher("dino_vits8", tmp_path / "part.pth")


def test_a_file_of_another_width_is_refused(tmp_path):
    published_file(tmp_path / "other.pth", "dinov2_vits14")
    with pytest.raises(UserError, match=r"other\.pth: .*shape.*not dino_vits8's"):
        load_teacher("dino_vits8", tmp_path / "other.pth")
