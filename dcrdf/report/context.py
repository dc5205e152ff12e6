"""What the report is made from. The caller opens prepared data, so the report needs no loader."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dcrdf.results.paired import Pairing
from dcrdf.results.robustness_tables import RobustnessTable
from dcrdf.results.section import Section


class TestImages(Protocol):
    """A prepared test split: N images of S x S pixels."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colour (N, S, S, 3)."""

    @property
    def depth(self) -> NDArray[np.float32]:
        """Normalised height (N, S, S)."""

    @property
    def gt(self) -> NDArray[np.bool_]:
        """Defect masks (N, S, S)."""

    @property
    def name(self) -> Sequence[str]:
        """File names, in the order of the maps."""

    @property
    def missing_share(self) -> NDArray[np.float64]:
        """Share of points that were not measured (N,)."""

    @property
    def distance_m(self) -> NDArray[np.float64] | None:
        """Median distance from the camera (N,), where it is known."""


class Prepared(Protocol):
    """An open prepared category."""

    def split(self, name: str) -> TestImages:
        """The split of that name."""

    @property
    def height_range_mm(self) -> tuple[float, float] | None:
        """What normalised heights 0 and 1 are; None where heights are no millimetres."""


OpenPrepared = Callable[[Path], AbstractContextManager[Prepared]]


@dataclass(frozen=True)
class RunFiles:
    """Where the outputs of one run on one category with one seed lie."""

    run: str
    category: str
    seed: int
    maps: Path
    metrics: Path
    prepared: Path
    losses: Path | None = None
    """CSV with `epoch` and a column per loss; `None` for a detector that trains in no epochs."""


@dataclass(frozen=True)
class ReportContext:
    """Everything `build_report` needs."""

    out: Path
    title: str
    rows: pd.DataFrame
    """Tidy rows of `dcrdf.results.rows.collect`."""
    runs: Sequence[RunFiles]
    open_prepared: OpenPrepared
    examples: int = 4
    """Typical images per run and category, beside the hardest ones."""
    order_of_runs: Sequence[str] = ()
    order_of_categories: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Run -> whether it is as published."""
    settings: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """(run, category) -> section -> options."""
    pairing: Pairing | None = None
    """Runs against reference runs, where the configuration names some."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """What to weigh on disk: label -> file or folder."""
    robustness: Sequence[RobustnessTable] = ()
    """Scores on degraded test scans, where they were asked for."""
    answer: Section | None = None
    """What a comparison of runs says in short; it opens the page."""
    sections: Sequence[Section] = ()
    """Further parts, such as what the runs cost."""
    notes: Sequence[str] = ()
    """Further remarks for the honest-notes section, in plain words."""
    record: str = ""
    """The digest of the page's record, for its head."""

    def category_page(self, category: str) -> Path:
        """Where the page to explore a category goes: beside the index, in a folder of its name."""
        return self.out.with_suffix("") / f"{category}.html"
