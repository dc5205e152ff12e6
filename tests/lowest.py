"""Print the lowest versions that the package asks for, one `name==version` a line, for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest_versions():
    """Name -> lowest version, of what is needed and of the workflow's extra."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    lowest = {}
    for text in project["dependencies"] + project["optional-dependencies"]["workflow"]:
        requirement = Requirement(text)
        (lowest[requirement.name],) = (
            bound.version for bound in requirement.specifier if bound.operator == ">="
        )
    return lowest


if __name__ == "__main__":
    print("\n".join(f"{name}=={version}" for name, version in lowest_versions().items()))
