"""The embedded data set: rendered colour and depth scans of made-up parts, some with defects."""

from dcrdf.datasets.synthetic.generate import CATEGORIES, MARKER, synthesize

__all__ = ["CATEGORIES", "MARKER", "synthesize"]
