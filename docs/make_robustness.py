"""Write the measured tables into docs/robustness.md: `make robustness` runs this at its end."""

import sys
from pathlib import Path

from dcrdf.results.robustness_tables import NOTE

PAGE = Path(__file__).with_name("robustness.md")
START, END = "<!-- tables: made by `make robustness` -->", "<!-- end of tables -->"


def main(tables: Path) -> None:
    """Replace what stands between the marks by the tables of `tables` (a `robustness.md`)."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    text = "".join(tables.read_text(encoding="utf-8").partition(f"{NOTE}.")[1:]).strip()
    PAGE.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
