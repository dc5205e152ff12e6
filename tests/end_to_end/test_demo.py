"""What `make demo` promises, read from its results (run by `make test-demo`)."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "demo"
MAIN_RUN = next(iter(yaml.safe_load((ROOT / "workflow" / "demo.yaml").read_text())["runs"]))
pytestmark = pytest.mark.demo


@pytest.fixture(scope="module")
def means():
    """Mean over the categories: (branch, metric) -> value of the demo's first run."""
    rows = pd.read_csv(RESULTS / "tables" / "tidy.csv")
    rows = rows[(rows["run"] == MAIN_RUN) & (rows["defect"] == "all") & (rows["mode"] == "exact")]
    rows = rows[rows["size"].isin(["image", "native"])]
    assert rows["category"].nunique() == 3
    return rows.groupby(["branch", "metric"])["value"].mean()


def test_the_demo_finds_the_defects(means):
    assert means["fused", "i_auroc"] >= 0.90
    assert means["fused", "aupro_30"] >= 0.85


@pytest.mark.parametrize("metric", ["i_auroc", "aupro_30"])
def test_both_modalities_together_are_better_than_either(means, metric):
    assert means["fused", metric] > max(means["rgb", metric], means["depth", metric])


def test_the_page_shows_every_category():
    page = (RESULTS / "report.html").read_text(encoding="utf-8")
    for category in ("cracker", "flange", "handle"):
        assert category in page
        own = RESULTS / "report" / f"{category}.html"
        assert 100_000 < own.stat().st_size < 15_000_000
    assert "http-equiv" in page
    assert 'src="http' not in page
