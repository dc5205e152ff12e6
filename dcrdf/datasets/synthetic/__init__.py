"""The embedded data set: rendered colour and depth scans of made-up parts, some with defects."""

from dcrdf.datasets.synthetic.generate import CATEGORIES, synthesize

__all__ = ["CATEGORIES", "synthesize"]
