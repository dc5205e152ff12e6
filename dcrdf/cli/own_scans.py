"""The files that `predict` is given: colour images with the geometry that belongs to them, or
geometry alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.config.sources import check_text
from dcrdf.errors import UserError
from dcrdf.modalities import DEPTH, RGB

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.datasets.sample import Camera, Sample

TIFF = (".tiff", ".tif", ".TIFF", ".TIF")
PNG = (".png", ".PNG")


def distinct(files: Sequence[Path]) -> list[Path]:
    """The files, each once; `UserError` for two of one name, which would share a heat map."""
    found: dict[str, Path] = {}
    for file in files:
        check_text(file)
        if file.is_dir():
            raise UserError(f"{file}: a folder; give the scans in it, {file}/*")
        other = found.setdefault(file.stem, file)
        if other.resolve() != file.resolve():
            raise UserError(f"{file}: {other} has the same name; score them into two folders")
    return list(found.values())


@dataclass(frozen=True)
class OwnScans:
    """Where what belongs to a given file is looked for.

    Attributes:
        geometry: the only folder of the geometry, or None for the usual ones.
        camera: of the 16-bit depth images; None looks for a camera file.
        without: the modality to do without, `rgb` or `depth`, or None.
    """

    geometry: Path | None
    camera: "Camera | None"
    without: str | None

    def __post_init__(self) -> None:
        if self.geometry is None:
            return
        if self.without == RGB:
            raise UserError("--geometry: with --without rgb give the geometry files themselves")
        if not self.geometry.is_dir():
            raise UserError(f"--geometry: {self.geometry}: no such folder")

    def files_of(self, file: Path) -> list[Path]:
        """The given file and whatever may be read with it."""
        found = [_named_alike(file, self._places(file), kind) for kind in (TIFF, PNG)]
        return [file, *(path for path in found if path is not None)]

    def read(
        self, file: Path
    ) -> "tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None, int]":
        """Colour, points, and how many of these were taken as missing for lying too far away."""
        from dcrdf.datasets.load import load_points, load_scan
        from dcrdf.files.images import read_rgb

        if self.without == DEPTH:
            return read_rgb(file), None, 0
        if self.without == RGB:
            points, far_points = load_points(file, self._camera_of_geometry(file))
            return None, points, far_points
        scan = load_scan(self._sample(file))
        return scan.rgb, scan.xyz, scan.far_points

    def _camera_of_geometry(self, file: Path) -> "Camera | None":
        """A TIFF holds points, unless a camera says that it holds depth."""
        from dcrdf.files.images import read_depth16

        if self.camera is None and file.suffix in PNG:
            read_depth16(file)  # colour is refused before a camera is asked for
            return _nearest_camera(file, [file.parent])
        if self.camera is None and file.suffix not in TIFF:
            raise UserError(
                f"{file}: with --without rgb give xyz TIFFs or 16-bit depth PNGs, not colour images"
            )
        return self.camera

    def _sample(self, image: Path) -> "Sample":
        from dcrdf.datasets.sample import Sample

        if not image.exists():
            raise UserError(f"{image}: no such file")
        common = {"category": "own", "split": "test", "defect": "good", "name": image.stem}
        places = self._places(image)
        xyz = None if self.camera else _named_alike(image, places, TIFF)
        if xyz is not None:
            return Sample(**common, rgb=image, xyz=xyz)  # type: ignore[arg-type]
        depth = _named_alike(image, places, PNG)
        if depth is not None:
            camera = self.camera or _nearest_camera(image, places)
            return Sample(**common, rgb=image, depth=depth, camera=camera)  # type: ignore[arg-type]
        _require_colour(image)
        kind = "16-bit depth PNG" if self.camera else "xyz TIFF or 16-bit depth PNG"
        place = f"in {self.geometry}" if self.geometry else "beside it; give --geometry FOLDER"
        raise UserError(f"{image}: no {kind} named {image.stem} is {place}")

    def _places(self, image: Path) -> list[Path]:
        return self.places_beside(image.parent)

    def places_beside(self, folder: Path) -> list[Path]:
        """Where the geometry of a folder's images is looked for."""
        siblings = [folder.parent / name for name in ("xyz", "depth")]
        return [self.geometry] if self.geometry else [folder, *siblings]


def _require_colour(image: Path) -> None:
    from dcrdf.files.images import read_rgb

    try:
        read_rgb(image)
    except UserError as error:
        raise UserError(f"{error}; geometry alone is judged with --without rgb") from None


def _named_alike(image: Path, places: Sequence[Path], suffixes: tuple[str, ...]) -> Path | None:
    for place in places:
        for suffix in suffixes:
            found = place / f"{image.stem}{suffix}"
            if found.is_file() and found != image:
                return found
    return None


def _nearest_camera(image: Path, places: Sequence[Path]) -> "Camera":
    """The camera whose file lies beside or above the geometry or the image."""
    from dcrdf.datasets.cameras import camera_in

    above = [image.parent.parent, image.parent.parent.parent]
    for place in dict.fromkeys([*places, *(place.parent for place in places), *above]):
        camera = camera_in(place)
        if camera is not None:
            return camera
    raise UserError(f"{image}: its depth image needs a camera; give --camera FILE")
