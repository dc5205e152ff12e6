"""Every teacher fits its student, refinement and gate."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from dcrdf.detectors.dcrdf_net.attention import LinearAttention
from dcrdf.detectors.dcrdf_net.gate import CrossModalGate
from dcrdf.detectors.dcrdf_net.gfrn import GuidedFeatureRefinement
from dcrdf.detectors.reverse_distillation.student import Student
from dcrdf.errors import UserError
from dcrdf.networks.folding import fold_batch_norms
from dcrdf.networks.teacher import TEACHERS, Teacher
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.networks.torchvision_backbones import torchvision_models

CONVOLUTIONAL = [
    "resnet18", "resnet50", "wide_resnet50_2", "efficientnet_lite0", "efficientnet_b5",
]  # fmt: skip
STRIDES = {
    **dict.fromkeys(("resnet18", "resnet50", "wide_resnet50_2"), (4, 8, 16)),
    "efficientnet_lite0": (4, 8, 16),
    "efficientnet_b5": (8, 16, 32),
    "dino_vits8": (8, 8, 8),
    "dino_vitb8": (8, 8, 8),
    "dinov2_vits14": (14, 14, 14),
}
"""As published."""


def on_meta(name):
    """The teacher without memory for its weights."""
    with torch.device("meta"):
        return Teacher(name)


@pytest.mark.parametrize("name", list(TEACHERS))
def test_maps_have_the_teachers_strides_and_channels(name):
    shape, (height, width) = TEACHERS[name], (224, 448)
    assert shape.strides == STRIDES[name]
    found = [tuple(x.shape[1:]) for x in on_meta(name)(torch.rand(1, 3, height, width).to("meta"))]
    strides = zip(shape.channels, STRIDES[name], strict=True)
    assert found == [(c, height // s, width // s) for c, s in strides]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("resnet18", "28b780f48cf98b3c"),
        ("resnet50", "15f7680cff79e1f6"),
        ("wide_resnet50_2", "48d7c7165c536252"),
        ("efficientnet_lite0", "614c917c887b218c"),
    ],
)
def test_saved_models_find_their_tensors(name, digest):
    """Names and shapes are those of the files that were saved since the first version."""
    tensors = [[key, list(x.shape)] for key, x in on_meta(name).state_dict().items()]
    assert hashlib.sha256(json.dumps(tensors).encode()).hexdigest()[:16] == digest


def test_the_size_of_efficientnet_b5():
    trunk = on_meta("efficientnet_b5")
    count = sum(parameter.numel() for parameter in trunk.parameters())
    assert round(count / 1e6, 2) == 17.54
    norms = [layer for layer in trunk.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert {layer.eps for layer in norms} == {1e-3}


def test_efficientnet_b5_reads_torchvisions_names(tmp_path):
    """Every tensor holds a number of its own, so that one in another's place shows."""
    with torch.device("meta"):
        network = torchvision_models().efficientnet_b5(weights=None)
    shapes = {key: x.shape for key, x in network.state_dict().items()}
    number = {key: float(at) for at, key in enumerate(shapes)}
    path = tmp_path / "b5.pth"
    torch.save({key: torch.tensor(number[key]).expand(x) for key, x in shapes.items()}, path)
    teacher = load_teacher("efficientnet_b5", path)
    for part, ours in enumerate([*teacher.stages[0], *teacher.stages[1], *teacher.stages[2]]):
        for key, x in ours.state_dict().items():
            assert (x == number[f"features.{part}.{key}"]).all()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_folded_batch_norms_change_no_feature(name):
    torch.manual_seed(0)
    teacher = Teacher(name)
    for layer in teacher.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0.0, 0.1)
            layer.running_var.uniform_(0.5, 2.0)
            layer.weight.uniform_(0.5, 1.5)
            layer.bias.normal_(0.0, 0.1)
    images = torch.rand(2, 3, 64, 64)
    expected = teacher(images)
    fold_batch_norms(teacher)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in teacher.modules())
    for ours, plain in zip(teacher(images), expected, strict=True):
        assert (ours - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "efficientnet_lite0"])
@pytest.mark.parametrize("blocks", ["mirror", "light"])
def test_student_mirrors_its_teacher(name, blocks):
    features = Teacher(name)(torch.rand(2, 3, 64, 64))
    reconstructed = Student(TEACHERS[name], blocks).eval()(features)
    assert [x.shape for x in reconstructed] == [x.shape for x in features]


@pytest.mark.parametrize(("side_px", "fits"), [(64, True), (128, True), (96, False)])
def test_a_student_of_other_strides_that_double(side_px, fits):
    """The embedding halves the last map, so that its sides must be even."""
    features = on_meta("efficientnet_b5")(torch.rand(1, 3, side_px, side_px).to("meta"))
    with torch.device("meta"):
        student = Student(TEACHERS["efficientnet_b5"]).eval()
    reconstructed = student(features)
    assert ([x.shape for x in reconstructed] == [x.shape for x in features]) == fits


def test_teacher_is_frozen_even_in_training_mode():
    teacher = Teacher("resnet18").train()
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    teacher(torch.rand(2, 3, 64, 64))
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(torch.equal(before[key], value) for key, value in teacher.state_dict().items())


def test_residual_refinement_starts_as_identity_and_literal_does_not():
    features = [x.relu() for x in (torch.randn(1, 8, 8, 8), torch.randn(1, 16, 4, 4))]
    residual = GuidedFeatureRefinement((8, 16), residual=True)(features)
    literal = GuidedFeatureRefinement((8, 16), residual=False)(features)
    assert all(torch.equal(a, b) for a, b in zip(residual, features, strict=True))
    assert not any(torch.allclose(a, b) for a, b in zip(literal, features, strict=True))


def test_linear_attention_against_the_quadratic_form():
    torch.manual_seed(0)
    attention = LinearAttention(8).double()
    x = torch.randn(1, 8, 3, 4, dtype=torch.float64)
    query = torch.nn.functional.elu(attention.query(x)).flatten(2) + 1
    key = torch.nn.functional.elu(attention.key(x)).flatten(2) + 1
    value = attention.value(x)
    heads = []
    width = query.shape[1] // 4
    for head in range(4):
        rows = slice(head * width, (head + 1) * width)
        weights = query[0, rows].T @ key[0, rows]
        weights = weights / weights.sum(dim=1, keepdim=True)
        heads.append(value.flatten(2)[0, head * 2 : head * 2 + 2] @ weights.T)
    attended = torch.cat(heads).view(1, 8, 3, 4)
    expected = x + attention.project(attended + attention.position(value))
    assert torch.allclose(attention(x), expected, atol=1e-12)


@pytest.mark.parametrize("evidence_maps", [False, True])
def test_gate_is_a_weight_per_pixel(evidence_maps):
    torch.manual_seed(0)
    features = [torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)]
    maps = torch.rand(2, 32, 32)
    weight = CrossModalGate(10, 16, evidence_maps)(features, features, maps, maps)
    assert weight.shape == (2, 32, 32)
    assert weight.min() > 0
    assert weight.max() < 1


def test_swapping_the_modalities_swaps_the_gates_inputs():
    """One shared MLP: equal features on both sides give equal gates."""
    torch.manual_seed(0)
    gate = CrossModalGate(10, 16, evidence_maps=False)
    a = torch.randn(1, 40)
    swapped = torch.cat([a[:, 20:], a[:, :20]], dim=1)
    assert not torch.equal(gate.excite(a), gate.excite(swapped))


def test_missing_weight_file_is_named(tmp_path):
    with pytest.raises(UserError, match="none.safetensors"):
        load_teacher("resnet18", tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04\x95pickle"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_weight_file_is_named(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match="weights"):
        load_teacher("resnet18", path)


def test_pickled_code_is_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("owned").touch, ())

    path = tmp_path / "evil.pth"
    torch.save({"conv1.weight": Payload()}, path)
    with pytest.raises(UserError, match="evil.pth"):
        load_teacher("resnet18", path)
    assert not (tmp_path / "owned").exists()


def test_weights_that_lack_a_layer_are_refused(tmp_path):
    state = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
    path = tmp_path / "part.pth"
    torch.save(state, path)
    with pytest.raises(UserError, match=r"part\.pth: lacks \d+ tensors of resnet18"):
        load_teacher("resnet18", path)


def test_weights_may_carry_layers_that_are_not_used(tmp_path):
    torch.manual_seed(0)
    network = torchvision_models().resnet18(weights=None)
    path = tmp_path / "full.pth"
    torch.save(network.state_dict(), path)
    teacher = load_teacher("resnet18", path)
    assert torch.equal(teacher.state_dict()["stages.0.stem.conv1.weight"], network.conv1.weight)
    assert torch.equal(
        teacher.state_dict()["stages.1.0.conv1.weight"], network.layer2[0].conv1.weight
    )


def test_package_weights_are_imagenet_weights():
    """Pretrained features tell a picture's edges apart; random ones hardly react."""
    teacher = load_teacher("efficientnet_lite0", "package")
    running = teacher.state_dict()["stages.0.0.1.running_var"]
    assert running.std() > 0.01
    assert not torch.equal(running, torch.ones_like(running))


def test_a_stride_of_other_blocks_is_refused(tmp_path):
    path = tmp_path / "trunk.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"stride_in_1x1": "true"})
    with pytest.raises(UserError, match=r"trunk\.safetensors: stride_in_1x1.*resnet18"):
        load_teacher("resnet18", path)


@pytest.mark.parametrize(
    ("name", "file"),
    [("resnet18", "resnet18_trunk.safetensors"), ("resnet50", "resnet50_caffe_trunk.safetensors")],
)
def test_trunk_files_load(shared_data, name, file):
    teacher = load_teacher(name, shared_data / "weights" / file)
    features = teacher(torch.rand(1, 3, 64, 64))
    assert all(torch.isfinite(x).all() for x in features)
    assert teacher.stride_in_1x1 == (name == "resnet50")
