"""What can be downloaded, from where, and how it is recognised: all of it configuration, because
hosts move. The packaged values are the official ones at the time of writing."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from dcrdf.config.closed import Closed


def _can_be_split(url: str) -> str:
    urlsplit(url)
    return url


Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$"), AfterValidator(_can_be_split)]
Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")]
DigestOrPrefix = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{8,64}|md5:[0-9a-f]{32})$")]


class DownloadOptions(Closed):
    """An archive (.tar, .tar.gz, .tar.xz, .zip) and the folder in it that is wanted."""

    url: Url
    hash: Digest
    inner_folder: str = ""
    licence: str = ""
    max_unpacked_gb: Annotated[float, Field(gt=0.0, le=1e6)] = 100.0


class FileOptions(Closed):
    """A single file; its SHA-256 may be given by its first 8 digits or more."""

    url: Url
    hash: DigestOrPrefix
    licence: str = ""


MVTEC_3D_AD = DownloadOptions(
    url="https://www.mydrive.ch/shares/45920/dd1eb345346df066c63b5c95676b961b/download/"
    "428824485-1643285832/mvtec_3d_anomaly_detection.tar.xz",
    hash="md5:d8bb2800fbf3ac88e798da6ae10dc819",
    licence="MVTec 3D-AD: CC BY-NC-SA 4.0, not for commercial use; MVTec Software GmbH,"
    " https://www.mvtec.com/company/research/datasets/mvtec-3d-ad",
)

DTD = DownloadOptions(
    url="https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
    hash="sha256:e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
    inner_folder="dtd",
    licence="Describable Textures Dataset: for research purposes; Cimpoi et al., CVPR 2014,"
    " https://www.robots.ox.ac.uk/~vgg/data/dtd/",
)

_TORCHVISION_LICENCE = "torchvision weights: BSD-3-Clause; trained on ImageNet, whose terms apply"


def _torchvision(file_name: str) -> FileOptions:
    """torchvision names its files NAME-PREFIX.pth; the prefix is that of the file's SHA-256."""
    prefix = file_name.removesuffix(".pth").rpartition("-")[2]
    return FileOptions(
        url=f"https://download.pytorch.org/models/{file_name}",
        hash=f"sha256:{prefix}",
        licence=_TORCHVISION_LICENCE,
    )


TORCHVISION_WEIGHTS: Mapping[str, FileOptions] = {
    "resnet18": _torchvision("resnet18-f37072fd.pth"),
    "resnet50": _torchvision("resnet50-0676ba61.pth"),
    "wide_resnet50_2": _torchvision("wide_resnet50_2-95faca4d.pth"),
    "efficientnet_b5": _torchvision("efficientnet_b5_lukemelas-1a07897c.pth"),
}


class DownloadsOptions(Closed):
    """All downloads of a configuration; only what is missing and needed is fetched."""

    dataset: DownloadOptions | None = None
    textures: DownloadOptions = DTD
    weights: dict[str, FileOptions] = Field(default_factory=dict)

    @field_validator("weights")
    @classmethod
    def _packaged_too(cls, weights: dict[str, FileOptions]) -> dict[str, FileOptions]:
        return {**TORCHVISION_WEIGHTS, **weights}
