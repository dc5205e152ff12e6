"""The images that are blended into anomalies: the embedded procedural set, or a folder such as DTD.

A texture is uint8 (256, 256, 3). The procedural set needs no download: six families, each drawn
several times with its own scale, direction and colours, all from one seed.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import overload

import cv2
import numpy as np

from dcrdf.anomalies.arrays import ColourImage, FloatImage
from dcrdf.anomalies.perlin import gradient_noise
from dcrdf.config.sources import texture_images
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of, sha256_of_file, sha256_of_json
from dcrdf.files.images import read_rgb

SIDE_PX = 256
PER_FAMILY = 8
PROCEDURAL = "procedural"
DECODED_MAX = 512
"""Folder textures kept decoded: 100 MB."""


def texture_set(source: str, seed: int) -> Sequence[ColourImage]:
    """The textures that `source` names: `procedural`, or a folder that is searched recursively.

    The procedural set is made once per process and seed; a folder's images are decoded when they
    are first drawn.

    Raises:
        UserError: the folder does not exist or holds no image.
    """
    return _procedural_set(seed) if source == PROCEDURAL else _folder_set(source)


def digest_of_textures(source: str) -> str | None:
    """A digest of the names and the content of a folder's textures; None for the procedural set,
    which follows from its seed."""
    if source == PROCEDURAL:
        return None
    folder = Path(source)
    paths = _folder_set(source).paths
    return sha256_of_json([[x.relative_to(folder).as_posix(), sha256_of_file(x)] for x in paths])


class FolderTextures(Sequence[ColourImage]):
    """The images below a folder in the order of their relative paths."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(
                f"pseudo.textures: {folder} is no folder; name a folder of images or '{PROCEDURAL}'"
            )
        self.paths = texture_images(folder)
        if not self.paths:
            raise UserError(f"pseudo.textures: {folder} holds no .jpg or .png image")

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> ColourImage: ...
    @overload
    def __getitem__(self, index: slice) -> list[ColourImage]: ...
    def __getitem__(self, index: int | slice) -> ColourImage | list[ColourImage]:
        if isinstance(index, slice):
            return [_decoded(path) for path in self.paths[index]]
        return _decoded(self.paths[index])


@lru_cache(maxsize=4)
def _folder_set(source: str) -> FolderTextures:
    return FolderTextures(Path(source))


@lru_cache(maxsize=DECODED_MAX)
def _decoded(path: Path) -> ColourImage:
    """The centre square of an image, at the texture size."""
    image = read_rgb(path, as_stored=True)  # no way up is the right one
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    shrinks = side > SIDE_PX
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=method))


@lru_cache(maxsize=2)
def _procedural_set(seed: int) -> list[ColourImage]:
    return [
        _coloured(draw(rng), rng)
        for family, draw in FAMILIES.items()
        for number in range(PER_FAMILY)
        for rng in [np.random.default_rng(seed_of("texture", seed, family, number))]
    ]


def _coloured(pattern: FloatImage, rng: np.random.Generator) -> ColourImage:
    """A pattern in [0, 1] on a ramp through three random colours, with a little grain."""
    ramp = np.linspace(0.0, 1.0, 3)
    colours = rng.uniform(0.0, 255.0, (3, 3))
    levels = np.arange(256) / 255.0
    table = np.stack([np.interp(levels, ramp, channel) for channel in colours], axis=1)
    grain = rng.standard_normal(pattern.shape, dtype=np.float32) * np.float32(2.0)
    index = np.clip(pattern * 255.0 + grain, 0.0, 255.0).astype(np.uint8)
    return table.astype(np.uint8)[index]


def _stripes(rng: np.random.Generator) -> FloatImage:
    """Parallel bands of random direction, period, sharpness and wobble."""
    across, _ = _turned_axes(rng)
    wobble = _noise(rng, int(rng.integers(2, 6))) * rng.uniform(0.0, 12.0)
    wave = np.sin((across + wobble) * (2.0 * np.pi / rng.uniform(8.0, 40.0)))
    return _unit(np.tanh(wave * rng.uniform(0.8, 6.0)))


def _weave(rng: np.random.Generator) -> FloatImage:
    """Two crossing threads that take turns on top, as on a checkerboard."""
    across, along = _turned_axes(rng)
    frequency = np.pi / rng.uniform(7.0, 24.0)
    first, second = np.sin(across * frequency), np.sin(along * frequency)
    over = np.tanh(first * second * 8.0)
    return _unit(over * 0.6 + np.where(over > 0.0, np.abs(first), np.abs(second)))


def _marble(rng: np.random.Generator) -> FloatImage:
    """Veins: a sine bent by turbulence."""
    across, _ = _turned_axes(rng)
    turbulence = sum(np.abs(_noise(rng, 4 * 2**octave)) / 2**octave for octave in range(4))
    phase = across * (2.0 * np.pi / rng.uniform(50.0, 120.0)) + turbulence * rng.uniform(2.0, 5.0)
    return _unit(np.abs(np.sin(phase)) ** rng.uniform(0.4, 1.5))


def _blobs(rng: np.random.Generator) -> FloatImage:
    """Rounded spots of two sizes with soft or hard outlines."""
    cells = int(rng.integers(5, 20))
    field = _noise(rng, cells) + 0.4 * _noise(rng, 2 * cells)
    return _unit(np.tanh((field - rng.uniform(-0.5, 0.8)) * rng.uniform(1.5, 10.0)))


def _speckle(rng: np.random.Generator) -> FloatImage:
    """Grit: sparse grains of one size on a faintly uneven ground."""
    grains = (rng.random((SIDE_PX, SIDE_PX)) < rng.uniform(0.004, 0.05)).astype(np.float32)
    grains = _blurred(grains, rng.uniform(0.7, 2.5))
    grains = np.minimum(grains / (0.6 * grains.max()), 1.0)
    return _unit(grains + 0.1 * _noise(rng, 6))


def _brushed(rng: np.random.Generator) -> FloatImage:
    """Fine parallel scratches, as on brushed metal."""
    scratches = rng.standard_normal((SIDE_PX, SIDE_PX), dtype=np.float32)
    scratches = _blurred(scratches, rng.uniform(12.0, 40.0), 0.6)
    across, along = _turned_axes(rng)
    centre = np.float32(SIDE_PX / 2)
    turned = cv2.remap(
        scratches, along + centre, across + centre, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return _unit(np.asarray(turned, dtype=np.float32))


FAMILIES: dict[str, Callable[[np.random.Generator], FloatImage]] = {
    "stripes": _stripes,
    "weave": _weave,
    "marble": _marble,
    "blobs": _blobs,
    "speckle": _speckle,
    "brushed": _brushed,
}


def _turned_axes(rng: np.random.Generator) -> tuple[FloatImage, FloatImage]:
    """Pixel coordinates about the centre along two perpendicular random directions."""
    axis = np.arange(SIDE_PX, dtype=np.float32) - np.float32(SIDE_PX / 2)
    angle = rng.uniform(0.0, np.pi)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return axis * cosine + axis[:, None] * sine, axis[:, None] * cosine - axis * sine


def _blurred(image: FloatImage, across_px: float, down_px: float = 0.0) -> FloatImage:
    """Gaussian blur; one deviation stands for both."""
    blurred = cv2.GaussianBlur(image, (0, 0), across_px, sigmaY=down_px)
    return np.asarray(blurred, dtype=np.float32)


def _noise(rng: np.random.Generator, cells: int) -> FloatImage:
    """Gradient noise of unit deviation."""
    noise = gradient_noise(SIDE_PX, ((cells, cells),), (1.0,), rng)
    return noise / np.float32(noise.std())


def _unit(pattern: FloatImage) -> FloatImage:
    """A pattern scaled to [0, 1]."""
    low, high = float(pattern.min()), float(pattern.max())
    return ((pattern - low) / max(high - low, 1e-6)).astype(np.float32)
