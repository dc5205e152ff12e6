"""What scoring costs: multiply-adds of a pair by count, time by the clock."""

import time
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.split import ScoredSplit, score_split
from dcrdf.tensors.scans import Scans


def score_measured(scorer: Scorer, scans: Scans) -> tuple[ScoredSplit, dict[str, Any]]:
    """The scored split, and what a pair of it cost: `cpu_ms` of this process and `wall_ms`, reading
    included, and `gmac`, 1e9 multiply-adds of the detector's convolutions and products of matrices
    (in all orientations that are shown; the rest is not counted)."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    scored = score_split(scorer, scans)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    pairs = max(1, len(scans))
    return scored, {
        "pairs": len(scans),
        "device": scorer.device.type,
        "cpu_threads": scorer.options.cpu_threads,
        "batch_size": scorer.options.batch_size,
        "cpu_ms": 1e3 * cpu_s / pairs,
        "wall_ms": 1e3 * wall_s / pairs,
        "gmac": multiply_adds(scorer, scans) / 1e9,
    }


def multiply_adds(scorer: Scorer, scans: Scans) -> int:
    """Of the raw maps of the first scan; 0 where there is none."""
    if not len(scans):
        return 0
    with _Counting() as counting:
        scorer.raw_maps(scans[:1])
    return int(counting.flops) // 2


class _Counting(TorchDispatchMode):
    """Counts as `torch.utils.flop_counter.FlopCounterMode`, which loads torch's compiler, a second,
    to be kept out of compiled code; there is none here."""

    flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        count = flop_registry.get(func._overloadpacket)
        if count is None:  # its parts may have one
            with self:
                parts = func.decompose(*args, **given)
            return func(*args, **given) if parts is NotImplemented else parts
        out = func(*args, **given)
        self.flops += count(*args, **given, out_val=out)
        return out
