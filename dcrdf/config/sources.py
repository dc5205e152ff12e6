"""Where raw data, textures and teacher weights come from, and which step makes them if they are
not there: the part of the plan that looks at the file system."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcrdf.config.schema import Config
from dcrdf.config.stages import Stage
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file

SYNTHETIC_MARKER = ".dcrdf-synthetic.json"
"""Its presence in a category's folder says that the category is complete."""
SYNTHETIC_SIGN = ".dcrdf-made-here"
"""Stays when Snakemake removes the marker before it makes the category anew."""
DOWNLOAD_MARKER = ".dcrdf-download.json"
CAMERA_FILES = ("camera.json", "camera.yaml", "camera.yml")
"""Of depth images; also beside the categories."""
EMBEDDED_CATEGORIES = ("cracker", "flange", "handle", "scone", "field")
"""The parts that `synthesize` can make."""


IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})
"""Of the textures in a folder."""
RESERVED_DEFECTS = frozenset({"all"})
"""What metrics of several kinds of defects go by."""


@dataclass(frozen=True)
class Sources:
    """Inputs from outside the workflow."""

    config: Config

    @property
    def root(self) -> Path:
        """The data set's folder."""
        return Path(self.config.dataset.root)

    @property
    def archives(self) -> Path:
        """Where downloaded archives are kept."""
        return Path(self.config.data) / "archives"

    @property
    def weights_folder(self) -> Path:
        """Where downloaded teacher weights are kept."""
        return Path(self.config.data) / "weights"

    @property
    def download_marker(self) -> Path:
        """The sign that `download` finished."""
        return self.root / DOWNLOAD_MARKER

    @property
    def textures_marker(self) -> Path:
        """The sign that the textures are there."""
        return Path(self.config.data) / "dtd" / DOWNLOAD_MARKER

    def synthetic_marker(self, category: str) -> Path:
        """The sign that `synthesize` finished a category."""
        return self.root / category / SYNTHETIC_MARKER

    @property
    def download(self) -> Stage:
        """The record of the data set's download."""
        options = self.config.downloads.dataset
        return Stage("download", {} if options is None else options.model_dump(mode="json"))

    @property
    def textures(self) -> Stage:
        """The record of the textures' download."""
        return Stage("download", self.config.downloads.textures.model_dump(mode="json"))

    def weights(self, teacher: str) -> Stage:
        """The record of a teacher's weights; `UserError` when no address is known."""
        options = self.config.downloads.weights.get(teacher)
        if options is None:
            raise UserError(
                f"config: downloads.weights.{teacher}: no address;"
                " give one, or set teacher.weights to a file"
            )
        return Stage("download", options.model_dump(mode="json"))

    def synthesize(self, category: str) -> Stage:
        """The record of an embedded category."""
        options = self.config.dataset.synthetic
        values = {} if options is None else options.model_dump(mode="json")
        return Stage("synthesize", {"category": category, **values})

    def raw_inputs(self, category: str) -> list[Path]:
        """What preparing a category depends on: its files, or the marker of what makes them.

        A folder that neither `download` nor `synthesize` made is the user's own: every file counts.
        """
        folder, synthetic = self.root / category, self.synthetic_marker(category)
        was_synthesized = synthetic.exists() or (folder / SYNTHETIC_SIGN).exists()
        if self.config.dataset.synthetic is not None:
            self._check_synthetic(category, was_synthesized)
            return [synthetic]
        if self.is_own(category):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            files += [path for name in CAMERA_FILES if (path := self.root / name).is_file()]
            for path in files:
                check_path(path)
                check_defect(path.parent.parent)
            return files
        if self.config.downloads.dataset is not None:
            self._check_room(folder)
            return [self.download_marker]
        if was_synthesized:
            raise UserError(
                f"{folder}: made by `dcrdf synthesize`; say with what numbers in dataset.synthetic"
            )
        if self.root.is_dir() and (there := _folders(self.root)):
            raise UserError(
                f"{folder}: no such folder; in dataset.root there are: {', '.join(there)}"
            )
        raise UserError(
            f"{folder}: no such folder; set dataset.root to the data set's folder,"
            " or give downloads.dataset or dataset.synthetic"
        )

    def is_own(self, category: str) -> bool:
        """Whether a category's scans are the user's: neither made nor downloaded by a step."""
        folder = self.root / category
        made = (self.synthetic_marker(category), folder / SYNTHETIC_SIGN, self.download_marker)
        is_made = self.config.dataset.synthetic is not None or any(x.exists() for x in made)
        return folder.is_dir() and not is_made

    def _check_room(self, folder: Path) -> None:
        """A download makes the whole root; beside other data it would be refused halfway."""
        if not self.download_marker.exists() and self.root.is_dir() and any(self.root.iterdir()):
            raise UserError(
                f"{folder}: no such folder, and nothing is downloaded into {self.root}, which holds"
                " other data; complete them, or choose another dataset.root"
            )

    def _check_synthetic(self, category: str, was_synthesized: bool) -> None:
        """Own data under `dataset.synthetic` would be taken for made ones, or never be made."""
        folder = self.root / category
        if category not in EMBEDDED_CATEGORIES:
            raise UserError(
                f"config: dataset.synthetic: makes {', '.join(EMBEDDED_CATEGORIES)}, not"
                f" {category!r}; remove dataset.synthetic to use the scans in {folder}"
            )
        if folder.is_dir() and any(folder.iterdir()) and not was_synthesized:
            raise UserError(
                f"config: dataset.synthetic: {folder} holds data that dcrdf did not make; remove"
                " dataset.synthetic to use them, or choose another dataset.root"
            )

    def check(self) -> None:
        """Refuse categories whose scans neither are there nor can be made (`UserError`)."""
        for category in self.config.dataset.categories:
            self.raw_inputs(category)

    def check_teacher(self, teacher: Mapping[str, Any]) -> None:
        """Refuse a teacher whose weight file neither is there nor can be fetched, or is another
        than its SHA-256 says (`UserError`)."""
        if teacher["weights"] == "torchvision":
            self.weights(teacher["name"])
        elif teacher["weights"] != "package":
            check_file("teacher.weights", teacher["weights"], teacher.get("sha256"))

    def check_textures(self, textures: str) -> None:
        """Refuse a folder of textures that is not there, or holds none (`UserError`)."""
        if textures in ("procedural", "dtd"):
            return
        if not Path(textures).is_dir():
            raise UserError(
                f"config: pseudo.textures: {textures}: no such folder; give one, procedural or dtd"
            )
        if not self.texture_files(textures):
            raise UserError(f"config: pseudo.textures: {textures}: holds no .jpg or .png image")

    def texture_files(self, folder: str) -> list[Path]:
        """The images below an own folder of textures: every one counts, as with own scans."""
        files = texture_images(Path(folder))
        for path in files:
            check_path(path)
        return files

    def weights_path(self, teacher: Mapping[str, Any]) -> Path | None:
        """The weight file of a teacher, or None where a package carries the weights."""
        weights = teacher["weights"]
        if weights == "package":
            return None
        if weights == "torchvision":
            return self.weights_folder / f"{teacher['name']}.pth"
        return Path(weights)


def check_file(key: str, path: str, sha256: str | None) -> None:
    """Refuse a file that is not there, or is another than the one of its SHA-256 (`UserError`)."""
    if not Path(path).is_file():
        raise UserError(f"config: {key}: {path}: no such file")
    if sha256 is not None and (found := sha256_of_file(Path(path))) != sha256:
        raise UserError(
            f"config: {key}: {path}: not the file of the SHA-256 that is given: its own is {found}"
        )


def _folders(root: Path) -> list[str]:
    names = (path.name for path in root.iterdir() if path.is_dir())
    return sorted(name for name in names if not name.startswith("."))


def texture_images(folder: Path) -> list[Path]:
    """The images below a folder, in the order of their relative paths."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def check_defect(folder: Path) -> None:
    """Refuse a folder of defects that is called what tables call all of them (`UserError`)."""
    if folder.name in RESERVED_DEFECTS:
        raise UserError(
            f"{folder}: {folder.name!r} stands for all kinds of defects in tables; rename it"
        )


def check_path(path: Path) -> None:
    """Refuse a file of which Snakemake would not take the name as it is (`UserError`)."""
    check_text(path)
    for letters, name in (("{}", "braces"), ("<>", "angle brackets")):
        if set(letters) & set(str(path)):
            raise UserError(f"{path}: Snakemake takes {name} in a path for a wildcard; rename it")


def check_text(path: Path) -> None:
    """Refuse a path that is not UTF-8 (`UserError`): no record could hold its name."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UserError(f"{shown}: the name is not UTF-8; rename it") from None
