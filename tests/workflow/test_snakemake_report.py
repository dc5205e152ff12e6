"""The page and the tables are entries of Snakemake's own report."""

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("finished workflow")]


def test_page_and_tables_are_in_snakemakes_report(finished):
    result = finished.snakemake("--report", "snakemake.html")
    assert result.returncode == 0, result.stderr[-2000:]
    text = (finished.folder / "snakemake.html").read_text(encoding="utf-8")
    for part in ("report.html", "tables.md", "The report to read first", "All result tables"):
        assert part in text, part
