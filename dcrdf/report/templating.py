"""The pages' templates: what is put in is text, and what is absent is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def template_environment() -> Environment:
    """An environment over `dcrdf/report/templates` that escapes every value."""
    return Environment(
        loader=PackageLoader("dcrdf.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
