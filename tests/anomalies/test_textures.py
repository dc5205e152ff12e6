import re

import cv2
import numpy as np
import pytest

from dcrdf.anomalies.textures import (
    FAMILIES,
    PER_FAMILY,
    SIDE_PX,
    digest_of_textures,
    texture_set,
)
from dcrdf.errors import UserError
from dcrdf.files.png import write_png


@pytest.fixture(scope="module")
def procedural():
    return texture_set("procedural", 0)


def test_procedural_set_is_complete_and_varied(procedural):
    assert len(procedural) == len(FAMILIES) * PER_FAMILY
    for texture in procedural:
        assert texture.shape == (SIDE_PX, SIDE_PX, 3)
        assert texture.dtype == np.uint8
        assert texture.std(axis=(0, 1)).max() > 3.0
    assert len({texture.tobytes() for texture in procedural}) == len(procedural)


def test_procedural_set_follows_from_the_seed(procedural):
    other = texture_set("procedural", 1)
    texture_set("procedural", 2)
    texture_set("procedural", 3)
    again = texture_set("procedural", 0)
    assert again is not procedural
    for first, second in zip(procedural, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(procedural[0], other[0])


def direction_strength(texture):
    """How unequal the two axes of the structure tensor are: 1 for stripes, 0 for no direction."""
    grey = texture.mean(axis=2)
    down, across = np.gradient(cv2.GaussianBlur(grey, (0, 0), 1.5))
    tensor = np.cov(np.stack([down.ravel(), across.ravel()]))
    low, high = np.linalg.eigvalsh(tensor)
    return (high - low) / (high + low)


def test_directed_families_are_directed_and_the_others_are_not(procedural):
    by_family = {
        name: np.median(
            [
                direction_strength(texture)
                for texture in procedural[index * PER_FAMILY : (index + 1) * PER_FAMILY]
            ]
        )
        for index, name in enumerate(FAMILIES)
    }
    assert by_family["brushed"] > 0.8
    assert by_family["stripes"] > 0.4
    assert max(by_family["blobs"], by_family["speckle"], by_family["weave"]) < 0.3


def test_folder_is_read_in_the_order_of_its_paths(tmp_path):
    colours = {"b/y.png": 10, "a/z.PNG": 90, "a/x.png": 200}
    for name, level in colours.items():
        path = tmp_path / "dtd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, np.full((40, 70, 3), level, dtype=np.uint8))
    (tmp_path / "dtd" / "notes.txt").write_text("no image")
    textures = texture_set(str(tmp_path / "dtd"), 0)
    assert [int(texture[0, 0, 0]) for texture in textures] == [200, 90, 10]
    assert textures[0].shape == (SIDE_PX, SIDE_PX, 3)
    assert [int(texture[0, 0, 0]) for texture in textures[1:]] == [90, 10]


def test_folder_images_keep_their_aspect(tmp_path):
    wide = np.zeros((300, 900, 3), dtype=np.uint8)
    wide[:, 300:600] = 255
    write_png(tmp_path / "wide.png", wide)
    assert texture_set(str(tmp_path), 0)[0].min() == 255


def test_jpeg_is_read(tmp_path):
    image = np.full((300, 300, 3), (200, 100, 50), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "one.jpg"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    texture = texture_set(str(tmp_path), 0)[0]
    np.testing.assert_allclose(texture.mean(axis=(0, 1)), (200, 100, 50), atol=3)


def test_missing_or_empty_folder_names_the_key(tmp_path):
    with pytest.raises(UserError, match=r"pseudo\.textures: .*absent is no folder"):
        texture_set(str(tmp_path / "absent"), 0)
    with pytest.raises(UserError, match=r"pseudo\.textures: .* holds no \.jpg or \.png image"):
        texture_set(str(tmp_path), 0)


def test_damaged_image_is_named(tmp_path):
    path = tmp_path / "bad.png"
    path.write_bytes(b"not an image at all")
    with pytest.raises(UserError, match=re.escape(str(path))):
        texture_set(str(tmp_path), 0)[0]


def test_the_digest_is_of_names_and_content(tmp_path):
    assert digest_of_textures("procedural") is None
    image = np.zeros((8, 8, 3), np.uint8)
    digests = []
    for number, (name, grey) in enumerate((("a", 0), ("a", 0), ("a", 1), ("b", 0))):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_png(folder / f"{name}.png", image + np.uint8(grey))
        digests.append(digest_of_textures(str(folder)))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
