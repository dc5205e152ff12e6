"""The report: one HTML page that needs no network and no script, and a page to explore in for every
category."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.report.charts import Chart
from dcrdf.report.context import ReportContext
from dcrdf.report.curves import loss_chart
from dcrdf.report.explore.category import category_data
from dcrdf.report.explore.page import write_page
from dcrdf.report.figures import colour_bar_stops
from dcrdf.report.runs import RunResult, read_run
from dcrdf.report.settings import compare_settings, disk_sizes, size_text
from dcrdf.report.standings import first_seeds, rank_runs
from dcrdf.report.summary import (
    details,
    headline,
    honest_notes,
    interval_text,
    share_text,
    whole_percent,
)
from dcrdf.report.templating import template_environment
from dcrdf.report.views import (
    CategoryView,
    best_run_rows,
    category_view,
    kind_table,
    metric_sections,
)
from dcrdf.results.cells import DAGGER_NOTE, DEVIATION_NOTE, percent
from dcrdf.results.compare import MEAN_NOTE, NOTE, PARTIAL_NOTE, cited_sources, comparisons
from dcrdf.results.machine import software_versions
from dcrdf.results.names import LABELS_NOTE, in_order
from dcrdf.results.paired_tables import PAIRS_HEAD, paired_note, paired_tables, pairs_tables
from dcrdf.results.pivot import Table, make_tables
from dcrdf.results.robustness_tables import HEAD as ROBUSTNESS_HEAD
from dcrdf.results.robustness_tables import NOTE as ROBUSTNESS_NOTE
from dcrdf.results.rows import read_metrics, skipped_notes

MAX_PANELS_WITH_PICTURES = 24
"""Above this many run-category pairs only the best run's pictures are embedded."""


def build_report(context: ReportContext) -> None:
    """Write the page to `context.out`, and a page to explore each category in.

    The same inputs give the same bytes. Raises `UserError` naming the file when an input is
    absent or unsound, when maps and prepared images do not belong together, or when the page
    cannot be written.
    """
    if not context.runs:
        raise UserError("report: no runs given; infer and evaluate at least one first")
    results = _read_in_order(context)
    content = _content(context, results)
    best = str(content["best"])
    for category, runs in first_seeds(results).items():
        data = category_data(context, category, _best_first(runs, best))
        title = f"{context.title}: {category}"
        write_page(context.category_page(category), data, title, f"../{context.out.name}")
    page = _environment().get_template("page.html.j2").render(content)
    with replacing(context.out) as partial:
        partial.write_text(page, encoding="utf-8")


def _best_first(runs: Mapping[str, RunResult], best: str) -> dict[str, RunResult]:
    """The best run first, which a page shows when it opens."""
    return dict(sorted(runs.items(), key=lambda one: one[0] != best))


def _content(context: ReportContext, results: Sequence[RunResult]) -> dict[str, Any]:
    tables = make_tables(context.rows, context.order_of_runs, context.order_of_categories)
    standings = rank_runs(tables, results)
    shown = first_seeds(results)
    best = standings[0].run
    return {
        "title": context.title,
        "record": context.record,
        "dataset": ", ".join(sorted(set(context.rows["dataset"]))),
        "results": results,
        "pages": {
            name: context.category_page(name).relative_to(context.out.parent).as_posix()
            for name in shown
        },
        "shown": shown,
        "standings": standings,
        "headline": headline(standings),
        "details": details(standings, results),
        "best": best,
        "best_rows": best_run_rows(shown, best, tables, context.rows),
        "metric_sections": metric_sections(tables),
        "answer": context.answer,
        "sections": context.sections,
        "robustness": context.robustness,
        "robustness_head": ROBUSTNESS_HEAD,
        "robustness_note": ROBUSTNESS_NOTE,
        "categories": _categories(context, shown, best),
        "kinds": [kind_table(name, runs, context.rows, tables) for name, runs in shown.items()],
        "training": _training(shown),
        "notes": [
            *honest_notes(standings, results, context.rows),
            *skipped_notes(read_metrics(one.files.metrics) for one in results),
            *_pictures_note(shown),
            *context.notes,
        ],
        "settings": compare_settings(context.settings),
        "software": software_versions(),
        "disk": disk_sizes(context.folders),
        "paired": paired_tables(context.pairing) if context.pairing else [],
        "pairs": pairs_tables(context.pairing) if context.pairing else [],
        "pairs_head": PAIRS_HEAD,
        "paired_note": paired_note(context.pairing) if context.pairing else "",
        "labels": context.labels,
        "labels_note": LABELS_NOTE,
        **_comparison(tables, context.labels),
    }


def _read_in_order(context: ReportContext) -> list[RunResult]:
    runs = in_order((files.run for files in context.runs), context.order_of_runs)
    categories = in_order((files.category for files in context.runs), context.order_of_categories)
    ordered = sorted(
        context.runs,
        key=lambda one: (categories.index(one.category), runs.index(one.run), one.seed),
    )
    return [read_run(one) for one in ordered]


def _categories(
    context: ReportContext, shown: Mapping[str, Mapping[str, RunResult]], best: str
) -> list[CategoryView]:
    runs = in_order((run for by_run in shown.values() for run in by_run), context.order_of_runs)
    styles = {run: style for style, run in enumerate(runs)}
    return [
        _category(context, category, prepared, group, styles, best, _panels(shown))
        for category, by_run in shown.items()
        for prepared, group in _by_prepared(by_run).items()
    ]


def _category(
    context: ReportContext,
    category: str,
    path: Path,
    runs: Mapping[str, RunResult],
    styles: Mapping[str, int],
    best: str,
    panels: int,
) -> CategoryView:
    with_pictures = panels <= MAX_PANELS_WITH_PICTURES
    with context.open_prepared(path) as prepared:
        images = prepared.split("test")
        for result in runs.values():
            if list(images.name) != result.name or result.size != images.gt.shape[1]:
                raise UserError(
                    f"{result.files.maps}: its images are not those of {path};"
                    " run `dcrdf infer` again"
                )
        return category_view(category, runs, images, styles, best, context.examples, with_pictures)


def _by_prepared(runs: Mapping[str, RunResult]) -> dict[Path, dict[str, RunResult]]:
    """Runs of one category that were prepared alike; usually all of them."""
    groups: dict[Path, dict[str, RunResult]] = {}
    for run, result in runs.items():
        groups.setdefault(result.files.prepared, {})[run] = result
    return groups


def _training(shown: Mapping[str, Mapping[str, RunResult]]) -> list[tuple[str, str, Chart]]:
    charts = [
        (category, run, loss_chart(result.files.losses))
        for category, runs in shown.items()
        for run, result in runs.items()
        if result.files.losses is not None
    ]
    return [(category, run, chart) for category, run, chart in charts if chart is not None]


def _pictures_note(shown: Mapping[str, Mapping[str, RunResult]]) -> list[str]:
    if _panels(shown) <= MAX_PANELS_WITH_PICTURES:
        return []
    return ["To keep the page small, only the best run's pictures are embedded."]


def _panels(shown: Mapping[str, Mapping[str, RunResult]]) -> int:
    return sum(len(runs) for runs in shown.values())


def _comparison(tables: Sequence[Table], labels: Mapping[str, str]) -> dict[str, Any]:
    beside = comparisons(tables, labels)
    sources = list(cited_sources(beside).itertuples())
    return {"comparisons": beside, "sources": sources, "comparison_note": NOTE}


def _environment() -> Environment:
    environment = template_environment()
    environment.filters |= {
        "percent": percent,
        "whole_percent": whole_percent,
        "share": share_text,
        "interval": interval_text,
        "size": size_text,
    }
    environment.globals |= {
        "heat_colours": ", ".join(colour_bar_stops()),
        "dagger_note": DAGGER_NOTE,
        "deviation_note": DEVIATION_NOTE,
        "mean_note": MEAN_NOTE,
        "partial_note": PARTIAL_NOTE,
    }
    return environment
