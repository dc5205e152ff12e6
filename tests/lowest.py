"""Print the lowest versions that the package asks for, one `name==version` a line, for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest_versions():
    """Name -> lowest version, of what is needed and of the extras for a use."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    extras = project["optional-dependencies"]
    uses = [text for name in extras if name not in ("all", "dev") for text in extras[name]]
    lowest = {}
    for requirement in map(Requirement, project["dependencies"] + uses):
        if requirement.name == "dcrdf":
            continue
        (lowest[requirement.name],) = (
            bound.version for bound in requirement.specifier if bound.operator == ">="
        )
    return lowest


if __name__ == "__main__":
    print("\n".join(f"{name}=={version}" for name, version in lowest_versions().items()))
