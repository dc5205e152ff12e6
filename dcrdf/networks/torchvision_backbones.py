"""The one place that imports torchvision.

torchvision's wheels register their operators for one build of torch; beside another build (a CPU
torch with the CUDA wheel) `import torchvision` stops at a missing operator schema although none of
its networks needs it. On exactly that error the two schemas are registered and the import repeated.
"""

import sys
from types import ModuleType

import torch

_MISSING = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries: list[torch.library.Library] = []


def torchvision_models() -> ModuleType:
    """`torchvision.models`, whatever build of torchvision is installed beside torch."""
    try:
        from torchvision import models
    except RuntimeError as error:
        if str(error) != _MISSING:
            raise
        _register_missing_schemas()
        from torchvision import models
    return models


def _register_missing_schemas() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _libraries.append(library)  # the schemas live as long as this object
