"""The page of configuration keys is that of the code."""

from pathlib import Path

from dcrdf.config.describe import markdown

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m dcrdf.config.describe > docs/configuration.md"
    )
