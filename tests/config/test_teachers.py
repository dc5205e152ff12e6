"""Teachers by name: what is known of them without torch, and what is refused."""

from typing import get_args

import pytest

from dcrdf.config.options import TeacherOptions
from dcrdf.config.resolve import parse_config
from dcrdf.config.teachers import TEACHERS, TeacherName
from dcrdf.errors import UserError

SHA256 = "0" * 64
PINNED = {"weights": "dino.pth", "sha256": SHA256}


def bank(minimal, teacher, image_size=256):
    """A configuration of a memory bank."""
    return {
        **minimal,
        "teacher": teacher,
        "prepare": {"image_size": image_size},
        "runs": {"bank": {"detector": "memory_bank", "preset": "default"}},
    }


def test_the_configuration_and_the_networks_know_the_same_teachers():
    from dcrdf.networks.teacher import TEACHERS as SHAPES
    from dcrdf.networks.teacher import TRUNKS

    assert set(get_args(TeacherName)) == set(TEACHERS) == set(SHAPES) == set(TRUNKS)
    assert {name: x.strides for name, x in TEACHERS.items()} == {
        name: x.strides for name, x in SHAPES.items()
    }


@pytest.mark.parametrize("name", ["dino_vits8", "dino_vitb8", "dinov2_vits14"])
@pytest.mark.parametrize(
    "weights", [{}, {"weights": "package"}, {"weights": "dino.safetensors"}],
)  # fmt: skip
def test_transformers_take_a_pinned_file_alone(name, weights):
    with pytest.raises(UserError, match=rf"{name} takes weights: FILE and the file's sha256"):
        TeacherOptions.parse({"name": name, **weights}, "teacher")
    assert TeacherOptions.parse({"name": name, **PINNED}, "teacher").sha256 == SHA256


def test_a_pickle_without_its_sha256_is_refused():
    with pytest.raises(UserError, match="sha256sum"):
        TeacherOptions.parse({"name": "dino_vits8", "weights": "dino.pth"}, "teacher")


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("efficientnet_b5", "package", "exists for efficientnet_lite0 only"),
        ("efficientnet_lite0", "torchvision", "takes weights: package or a file"),
    ],
)
def test_weights_that_do_not_exist_are_refused(name, weights, message):
    with pytest.raises(UserError, match=message):
        TeacherOptions.parse({"name": name, "weights": weights}, "teacher")


def test_torchvision_has_efficientnet_b5(minimal):
    config = parse_config(bank(minimal, {"name": "efficientnet_b5"}))
    address = config.downloads.weights["efficientnet_b5"]
    assert address.url.endswith("/efficientnet_b5_lukemelas-1a07897c.pth")
    assert address.hash == "sha256:1a07897c"


@pytest.mark.parametrize("name", ["dino_vits8", "dino_vitb8", "dinov2_vits14"])
def test_students_of_maps_that_do_not_halve_are_refused(minimal, name):
    with pytest.raises(UserError) as caught:
        parse_config({**minimal, "teacher": {"name": name, **PINNED}})
    text = str(caught.value)
    assert text.startswith("config: teacher.name (runs.net on a): ")
    assert f"{name!r} is not offered by dcrdf_net" in text
    assert "efficientnet_b5" in text
    assert "\n" not in text


@pytest.mark.parametrize(("side", "fits"), [(224, True), (448, True), (256, False), (96, False)])
def test_patches_must_fill_the_image(minimal, side, fits):
    values = bank(minimal, {"name": "dinov2_vits14", **PINNED}, side)
    if fits:
        parse_config(values)
        return
    with pytest.raises(UserError) as caught:
        parse_config(values)
    assert str(caught.value) == (
        f"config: prepare.image_size (runs.bank on a): {side} does not suit memory_bank with"
        " teacher.name: dinov2_vits14; set it to a multiple of 224 from 224 on"
    )


@pytest.mark.parametrize(
    ("side", "fits"), [(128, True), (768, True), (64, False), (96, False), (224, False)]
)
def test_the_embedding_must_halve_the_last_map(minimal, side, fits):
    """And have more than one place, or batches of one image have no variance."""
    values = {**minimal, "teacher": {"name": "efficientnet_b5"}, "prepare": {"image_size": side}}
    if fits:
        parse_config(values)
        return
    with pytest.raises(
        UserError, match=r"image_size.*dcrdf_net.*b5; set it to a multiple of 64 from 128 on$"
    ):
        parse_config(values)


@pytest.mark.parametrize("name", ["efficientnet_b5", "dino_vits8", "dino_vitb8"])
def test_a_bank_takes_every_size_that_preparation_makes(minimal, name):
    weights = {} if name == "efficientnet_b5" else PINNED
    for side in (64, 96, 2048):
        parse_config(bank(minimal, {"name": name, **weights}, side))
