"""README and docs: links lead somewhere, commands are there, messages are the code's."""

import ast
import re
from pathlib import Path

import pytest

from dcrdf.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def anchors(page):
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_there(page):
    shown = re.findall(r"(?:^|`|&& )dcrdf ([a-z][a-z-]*)", page.read_text(), flags=re.MULTILINE)
    assert set(shown) <= {name.replace("_", "-") for name in COMMANDS}


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        links = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text())
        found = {(page.parent / link).resolve() for link in links}
        waiting += found - reached
        reached |= found
    assert {page.resolve() for page in PAGES[1:]} <= reached


def messages_of_the_code():
    """Every string of the code, with … for what it fills in."""
    texts = []
    for path in (ROOT / "dcrdf").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [x.value if isinstance(x, ast.Constant) else "…" for x in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_troubleshooting_has_the_messages_of_the_code():
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = re.findall(r"^\| (.*?) \| ", text, flags=re.MULTILINE)
    shown = [message for row in rows for message in re.findall(r"`([^`]+)`", row)]
    code = messages_of_the_code()
    assert len(shown) > 50
    assert [message for message in shown if message not in code] == []
