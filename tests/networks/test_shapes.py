"""Every teacher fits its student, refinement and gate."""

import pytest
import torch

from dcrdf.detectors.dcrdf_net.attention import LinearAttention
from dcrdf.detectors.dcrdf_net.gate import CrossModalGate
from dcrdf.detectors.dcrdf_net.gfrn import GuidedFeatureRefinement
from dcrdf.detectors.reverse_distillation.student import Student
from dcrdf.errors import UserError
from dcrdf.networks.folding import fold_batch_norms
from dcrdf.networks.teacher import TEACHERS, Teacher
from dcrdf.networks.teacher_weights import load_teacher

NAMES = list(TEACHERS)


@pytest.mark.parametrize("name", NAMES)
def test_teacher_stages_have_strides_4_8_16(name):
    features = Teacher(name)(torch.rand(1, 3, 64, 96))
    shapes = [tuple(x.shape[1:]) for x in features]
    channels = TEACHERS[name].channels
    assert shapes == [(c, 64 // s, 96 // s) for c, s in zip(channels, (4, 8, 16), strict=True)]


@pytest.mark.parametrize("name", NAMES)
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
    import_models = pytest.importorskip("dcrdf.networks.torchvision_backbones")
    torch.manual_seed(0)
    network = import_models.torchvision_models().resnet18(weights=None)
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


@pytest.mark.parametrize(
    ("name", "file"),
    [("resnet18", "resnet18_trunk.safetensors"), ("resnet50", "resnet50_caffe_trunk.safetensors")],
)
def test_trunk_files_load(shared_data, name, file):
    teacher = load_teacher(name, shared_data / "weights" / file)
    features = teacher(torch.rand(1, 3, 64, 64))
    assert all(torch.isfinite(x).all() for x in features)
    assert teacher.stride_in_1x1 == (name == "resnet50")
