"""An exported model in use: scans in, verdicts out, without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file
from dcrdf.judging.description import EXPORTED, entries_named, read_exported
from dcrdf.judging.judge import LACKS_USUAL_SCANS, Judge
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.usual_scans import UsualScans
from dcrdf.modalities import FUSED, MODALITIES, OTHER, Modality
from dcrdf.preparation.image import PreparedImage
from dcrdf.runtime.bundle import GRAPH, INPUTS, inputs_of
from dcrdf.scans.arrays import ScanArrays
from dcrdf.scans.prepared import arrays_of_images
from dcrdf.scans.readings import readings_of

DEVICES = ("auto", "cpu")
KINDS = ("map", "score", "unusual")
"""What a graph gives: `KIND_NAME`, by branch."""


class ExportedModel(Judge):
    """A model that `dcrdf export` made, scored by onnxruntime on the CPU."""

    def __init__(self, folder: Path, device: str = "auto", *, judge_anyway: bool = False) -> None:
        super().__init__(judge_anyway=judge_anyway)
        if device not in DEVICES:
            raise UserError(f"--device {device}: an exported model runs on the CPU; write cpu")
        description = read_exported(folder)
        with entries_named(folder, EXPORTED):
            self._describe(description, (FUSED, *description["branches"]))
            known = description["usual_scans"]
            self.usual = None if known is None else UsualScans.from_dict(known)
            sha256, cpu_threads = description["graph_sha256"], int(description["cpu_threads"])
        self._use_set_thresholds(folder)
        self.session = _session(folder / GRAPH, sha256, cpu_threads)
        self.lacks = LACKS_USUAL_SCANS if self.usual is None else ""
        self._asked = [one.name for one in self.session.get_inputs()]
        self._given = [one.name for one in self.session.get_outputs()]

    def answering(self, absent: Modality | None) -> str:
        """Its own branch's threshold, of a modality that is alone."""
        name = FUSED if absent is None else OTHER[absent]
        if name not in self.thresholds:
            raise UserError(f"this model cannot do without {absent}")
        return name

    def score(self, image: PreparedImage, absent: Modality | None) -> Prediction:
        """Maps and scores of one prepared scan."""
        return self.score_arrays(arrays_of_images([image], self.options, ScanArrays), absent)

    def score_arrays(
        self, scans: ScanArrays, absent: Modality | None = None, *, at_once: int = 1
    ) -> Prediction:
        """The same of B prepared scans, so many at once: on a CPU one after the other is fastest,
        since its maps stay in the cache. What an absent modality's field holds is not looked at: a
        branch's own map never reads the other modality. Raises `UserError` for maps that are no
        numbers."""
        starts = range(0, len(scans), at_once)
        parts = [self.run(inputs_of(scans[at : at + at_once])) for at in starts]
        outputs = {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
        maps, scores, unusual = (_of_kind(outputs, kind, absent) for kind in KINDS)
        shown = scans if absent is None else scans.without(absent)
        counted = {} if self.usual is None else readings_of(shown)
        reasons = [""] * len(scans)
        if self.usual is not None:
            reasons = self.usual.reasons(counted, {} if absent else _alone(unusual))
        return Prediction(
            maps, _double(scores), _double(unusual), reasons, counted, [""] * len(reasons)
        )

    def run(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """The graph's outputs by name, from arrays by the names of `INPUTS`."""
        found = self.session.run(self._given, {name: given[name] for name in self._asked})
        outputs = dict(zip(self._given, found, strict=True))
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                raise UserError(f"{name} holds NaN or infinity: the graph or the heights are bad")
        return outputs


def _session(path: Path, sha256: str, cpu_threads: int) -> Any:
    """An onnxruntime session of a graph that is what the description names."""
    import onnxruntime

    if not path.is_file() or sha256_of_file(path) != sha256:
        raise UserError(f"{path}: missing, damaged or of another export; export the model again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # what it could not fold is no news
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions have no base of their own
        line = " ".join(str(error).splitlines()[:1])
        raise UserError(f"{path}: onnxruntime {onnxruntime.__version__}: {line}") from None
    unknown = {one.name for one in session.get_inputs()} - set(INPUTS)
    if unknown:
        raise UserError(f"{path}: asks for {', '.join(sorted(unknown))}; update dcrdf")
    return session


def _of_kind(
    outputs: Mapping[str, NDArray[np.float32]], kind: str, absent: Modality | None
) -> dict[str, NDArray[np.float32]]:
    """By branch; of one modality alone the fused value is its own."""
    found = {
        name.removeprefix(f"{kind}_"): x
        for name, x in outputs.items()
        if name.startswith(f"{kind}_")
    }
    if absent is None:
        return found
    own = {name: x for name, x in found.items() if name in MODALITIES and name != absent}
    return {FUSED: found[OTHER[absent]], **own} if FUSED in found else own


def _alone(unusual: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    """By how much each modality is unusual alone (`dcrdf.scoring.trust.alone`)."""
    shared = np.min(list(unusual.values()), axis=0)
    return {name: (x / shared).astype(np.float64) for name, x in unusual.items()}


def _double(values: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    return {name: x.astype(np.float64) for name, x in values.items()}
