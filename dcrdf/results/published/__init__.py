"""Result tables as other groups printed them, and a check of their arithmetic.

`printed.csv` holds one printed cell per row: paper, table, dataset, metric, method, the modality
the method reads at test time, what the column is (`category`, `defect` or the printed `mean`), its
name, and the value in percent. `sources.csv` has each paper's reference, DOI and what is known of
its evaluation; `evaluations.csv` how a method is prepared and evaluated by its released code (by
its paper, where there is none): how its numbers came about, unless somebody ran it otherwise.
"""

from functools import cache
from importlib.resources import files

import pandas as pd

PRINTED_HALF_UNIT = 0.05
"""Values are printed with one decimal of a percent."""
NOT_KNOWN = "not known"
TABLE_KEY = ["paper", "table", "dataset", "metric", "method", "modality"]


@cache
def load_published() -> pd.DataFrame:
    """All printed cells, in the order of the papers."""
    return _read("printed.csv")


@cache
def load_sources() -> pd.DataFrame:
    """Reference, DOI and known evaluation settings, indexed by paper."""
    return _read("sources.csv").set_index("paper")


@cache
def load_evaluations() -> pd.DataFrame:
    """What is known of methods' evaluation, indexed by method."""
    return _read("evaluations.csv").set_index("method")


def evaluation_of(method: str, metric: str) -> str:
    """Size and, for an AUPRO, thresholds behind a method's numbers; `not known` where so.

    `method` is a printed name: a modality in brackets or an ablation's name after it do not count.
    """
    known = load_evaluations()
    name = next((x for x in known.index if method == x or method.startswith(f"{x} ")), None)
    if name is None:
        return NOT_KNOWN
    size, thresholds = known.at[name, "size"], known.at[name, "aupro_thresholds"]
    if not metric.startswith("aupro"):
        return str(size)
    return f"{size}, thresholds: {thresholds}"


def check_means(published: pd.DataFrame) -> pd.DataFrame:
    """Rows whose printed mean cannot be the mean of their own printed cells.

    Cells and mean are each off by at most half a unit of their last digit, so a larger difference
    than a whole unit is no rounding. Returns the row's key, `printed_mean`, `mean_of_cells` and
    `difference` (printed minus cells), largest first.
    """
    kinds = published.groupby([*TABLE_KEY, "column_kind"], sort=False)["value_percent"].mean()
    means = kinds.unstack("column_kind").reindex(columns=["mean", "category"]).dropna()
    means.columns = pd.Index(["printed_mean", "mean_of_cells"])
    means["difference"] = means["printed_mean"] - means["mean_of_cells"]
    wrong = means["difference"].abs() > 2 * PRINTED_HALF_UNIT + 1e-9
    flagged = means[wrong].sort_values("difference", key=abs, ascending=False, kind="stable")
    return flagged.reset_index()


def _read(name: str) -> pd.DataFrame:
    with (files(__name__) / name).open("rb") as file:
        return pd.read_csv(file)
