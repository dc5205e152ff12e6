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
    from dcrdf.files.remarks import Remark


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
            what = "a file, not a folder" if self.geometry.exists() else "no such folder"
            raise UserError(f"--geometry: {self.geometry}: {what}")

    def files_of(self, file: Path) -> list[Path]:
        """The given file and whatever may be read with it."""
        return [file, *self._alike(file)]

    def read(
        self, file: Path
    ) -> "tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None, list[str]]":
        """Colour, points, and what was put right in them."""
        from dcrdf.datasets.load import load_points, load_scan
        from dcrdf.files.images import read_rgb

        remarks: list[Remark] = []
        if self.without == DEPTH:
            return read_rgb(file, remarks), None, _told(remarks, 0)
        if self.without == RGB:
            camera = self._camera_of_geometry(file)
            points, far_points = load_points(file, camera, remarks=remarks)
            return None, points, _told(remarks, far_points)
        sample, left = self._sample(file)
        scan = load_scan(sample)
        return scan.rgb, scan.xyz, [*left, *_told(scan.remarks, scan.far_points)]

    def _camera_of_geometry(self, file: Path) -> "Camera | None":
        """The camera of a depth image; points have none."""
        from dcrdf.files.formats import is_depth16, is_tiff

        if self.camera is not None:
            return self.camera
        if is_depth16(file):
            return _nearest_camera(file, [file.parent])
        if not is_tiff(file):
            raise UserError(
                f"{file}: with --without rgb give xyz TIFFs or 16-bit depth images, not colour"
            )
        return None

    def _sample(self, image: Path) -> "tuple[Sample, list[str]]":
        """What belongs to an image, and what is there and left alone."""
        from dcrdf.datasets.sample import Sample
        from dcrdf.files.formats import is_depth16, is_points, is_tiff

        if not image.exists():
            raise UserError(f"{image}: no such file")
        kind = "points" if is_points(image) else "16-bit grey, perhaps depth"
        if is_points(image) or is_depth16(image):
            raise UserError(
                f"{image}: {kind}, not 8-bit colour; give the colour images, or --without rgb"
            )
        found = self._alike(image)
        depth = next((path for path in found if is_depth16(path)), None)
        xyz = next((path for path in found if is_points(path)), None)
        if not found or (self.camera and depth is None and xyz is not None):
            raise self._nothing_found(image)
        if depth is None and xyz is None:  # the reader says what is wrong with it
            xyz = found[0] if is_tiff(found[0]) and self.camera is None else None
        common = {"category": "own", "split": "test", "defect": "good", "name": image.stem}
        if xyz is not None and self.camera is None:
            left = [f"{xyz} is read, {depth} is not"] if depth else []
            return Sample(**common, rgb=image, xyz=xyz), left  # type: ignore[arg-type]
        depth = depth or found[0]
        camera = self.camera or _nearest_camera(image, [depth.parent, *self._places(image)])
        left = [f"{depth} is read, {xyz} is not"] if xyz else []
        return Sample(**common, rgb=image, depth=depth, camera=camera), left  # type: ignore[arg-type]

    def _nothing_found(self, image: Path) -> UserError:
        from dcrdf.datasets.unread import files_named, there_unread

        kind = "16-bit depth image" if self.camera else "xyz TIFF or 16-bit depth image"
        place = f"in {self.geometry}" if self.geometry else "beside it; give --geometry FOLDER"
        others = [x for y in self._places(image) for x in files_named(y, image.stem) if x != image]
        return UserError(f"{image}: no {kind} named {image.stem} is {place}{there_unread(others)}")

    def _places(self, image: Path) -> list[Path]:
        return self.places_beside(image.parent)

    def places_beside(self, folder: Path) -> list[Path]:
        """Where the geometry of a folder's images is looked for."""
        siblings = [folder.parent / name for name in ("xyz", "depth")]
        return [self.geometry] if self.geometry else [folder, *siblings]

    def _alike(self, image: Path) -> list[Path]:
        """Files that may hold an image's geometry, as training pairs them: by name."""
        from dcrdf.datasets.pairing import DEPTH_SUFFIXES
        from dcrdf.datasets.unread import files_named

        usual = [suffix for x in DEPTH_SUFFIXES for suffix in (x, x.upper())]
        places = [place for place in self._places(image) if place.is_dir()]
        paths = [place / f"{image.stem}{suffix}" for place in places for suffix in usual]
        found = [path for path in paths if path.is_file() and path != image]
        if not found:  # in another spelling, for which whole folders are looked through
            named = [path for place in places for path in files_named(place, image.stem)]
            found = [x for x in named if x.suffix.lower() in DEPTH_SUFFIXES and x != image]
        return found


def _told(remarks: "Sequence[Remark]", far_points: int) -> list[str]:
    told = [f"{far_points} points implausibly far away taken as missing"] if far_points else []
    return [*told, *(remark.detail for remark in remarks)]


def _nearest_camera(image: Path, places: Sequence[Path]) -> "Camera":
    """The camera whose file lies beside or above the geometry or the image: as far up as a data
    set's root lies above its images."""
    from dcrdf.datasets.cameras import camera_in

    above = image.resolve().parents[1:5]
    for place in dict.fromkeys([*places, *(place.parent for place in places), *above]):
        camera = camera_in(place)
        if camera is not None:
            return camera
    raise UserError(f"{image}: its depth image needs a camera; give --camera FILE")
