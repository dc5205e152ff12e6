"""A browser, and made-up pages in it that may neither complain nor ask the network for anything."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dcrdf.report.context import ReportContext, RunFiles
from dcrdf.report.explore.category import category_data
from dcrdf.report.explore.page import write_page
from dcrdf.report.runs import read_run
from dcrdf.results.maps import ScoredImages, write_maps

SIZE = 48
KINDS = ["good"] * 8 + ["dent"] * 4 + ["stain"] * 4
SCORES = {
    "full": [0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.70,  # one false alarm
             0.90, 0.80, 0.45, 0.85, 0.95, 0.20, 0.75, 0.99],  # two misses
    "dual": [0.30, 0.10, 0.50, 0.65, 0.20, 0.40, 0.45, 0.15,
             0.55, 0.70, 0.62, 0.35, 0.90, 0.61, 0.80, 0.58],
}  # fmt: skip
NOT_JUDGED = {("full", 3): "its colour image is too dark: <b>0</b>"}
THRESHOLD = {
    "threshold": 0.6, "requested_rate": 0.05, "expected_rate": 0.1, "upper_rate": 0.3,
    "confidence": 0.95, "validation_images": 8, "note": "8 images certify little",
}  # fmt: skip


def names() -> list[str]:
    """Numbers within each kind, as data sets have them: the same name stands in two kinds."""
    return [f"{KINDS[:at].count(kind):03d}" for at, kind in enumerate(KINDS)]


def made_images() -> SimpleNamespace:
    """A prepared split: a bump of height, and a square defect of growing size."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    bump = np.maximum(0.0, 0.4 - np.hypot(rows, columns)).astype(np.float32)
    masks = np.zeros((len(KINDS), SIZE, SIZE), dtype=bool)
    for at, kind in enumerate(KINDS):
        masks[at, 10 : 12 + at, 8 : 10 + at] = kind != "good"
    return SimpleNamespace(
        rgb=rng.integers(60, 200, (len(KINDS), SIZE, SIZE, 3), dtype=np.uint8),
        depth=bump[None] + 0.02 * rng.random((len(KINDS), SIZE, SIZE)).astype(np.float32),
        gt=masks,
        name=names(),
        missing_share=np.linspace(0.0, 0.2, len(KINDS)),
        distance_m=None,
    )


def maps_file(path: Path, run: str, images: SimpleNamespace) -> RunFiles:
    """The outputs of one run, by the product's own writer."""
    scores = np.array(SCORES[run])
    blob = 0.3 + 0.7 * images.gt.astype(np.float32)
    maps = (scores[:, None, None] * blob).astype(np.float16)
    branches = ("fused", "rgb", "depth")
    labels = np.array([kind != "good" for kind in KINDS], dtype=np.int8)
    test = ScoredImages(
        images.name, KINDS, labels, dict.fromkeys(branches, scores), dict.fromkeys(branches, maps),
        [NOT_JUDGED.get((run, at), "") for at in range(len(KINDS))],
    )  # fmt: skip
    good = np.linspace(0.1, 0.6, 8)
    validation = ScoredImages(
        [str(at) for at in range(8)], ["good"] * 8, np.zeros(8, np.int8),
        dict.fromkeys(branches, good), {}, [""] * 8,
    )  # fmt: skip
    attributes = {"stage": "{}", "seed": 0, "input_digest": "d1", "threshold": _json(THRESHOLD)}
    write_maps(path / "maps.h5", attributes, test, validation)
    return RunFiles(run, "nut", 0, path / "maps.h5", path / "metrics.json", Path("nut"))


def _json(values: Any) -> str:
    import json

    return json.dumps(values)


@pytest.fixture(scope="session")
def category_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one category with two runs."""
    folder = tmp_path_factory.mktemp("category")
    images = made_images()

    @contextmanager
    def open_prepared(path: Path) -> Iterator[Any]:
        yield SimpleNamespace(
            split={"test": images, "train": images}.get, height_range_mm=(0.0, 10.0)
        )

    rows = pd.DataFrame(
        {"run": "full", "category": "nut", "seed": 0, "branch": "fused", "metric": "i_auroc",
         "mode": "exact", "defect": "all", "value": 0.9, "low": 0.8, "high": 0.95}, index=[0],
    )  # fmt: skip
    context = ReportContext(
        out=folder / "report.html", title="t", rows=rows, runs=[], open_prepared=open_prepared,
        labels={"full": "as published", "dual": "not published"},
    )  # fmt: skip
    runs = {run: read_run(maps_file(folder / run, run, images)) for run in SCORES}
    path = folder / "report" / "nut.html"
    write_page(path, category_data(context, "nut", runs), "parts: nut", "../report.html")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, drawing by its processor."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: `make test-browser` as root does it")
    os.environ.setdefault("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
    arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@dataclass
class Opened:
    """Opens pages and remembers what they complained of and asked for."""

    browser: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def __call__(self, path: Path, address: str = "", width: int = 1300, **options: Any) -> Any:
        """The page at `path#address`, once its script has started."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self.requests.append(asked.url))
        page.goto(f"{path.as_uri()}{address and '#' + address}")
        page.wait_for_selector("html[data-ready]", state="attached")
        opened = OpenPage(page)
        opened.settle()
        return opened


@dataclass
class OpenPage:
    """Playwright's page, and what all tests ask of ours."""

    page: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        frame = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"
        self.page.evaluate(frame)

    def labels(self) -> list[str]:
        """The images of the gallery in their order."""
        return self.page.locator("#cards .name").all_inner_texts()

    def pixels(self, selector: str) -> str:
        """A canvas's picture as a text that changes when it does."""
        return self.page.locator(selector).first.evaluate("canvas => canvas.toDataURL()")


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; at the end none may have complained or asked for more than itself."""
    opened = Opened(browser)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.complaints == []
    beyond = [
        url for url in opened.requests if not url.startswith(("file:", "blob:", "data:", "about:"))
    ]
    assert beyond == []
    assert len([url for url in opened.requests if url.startswith("file:")]) == len(opened.contexts)


@pytest.fixture(scope="session")
def scripts(browser: Any) -> Iterator[Callable[..., Any]]:
    """An empty page that knows modules of the script, for their functions alone."""
    folder = files("dcrdf.report.explore") / "js"
    context = browser.new_context()

    def load(*modules: str, before: str = "") -> Any:
        page = context.new_page()
        texts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in modules]
        page.add_script_tag(content="\n".join([before, *texts]))
        return page

    yield load
    context.close()
