"""`report.html`: what is in a data set and what is odd about it, for people.

All of it comes from the manifest, and the same manifest gives the same bytes.
"""

from pipelines.report.checks import warnings
from pipelines.report.page import render

REPORT_NAME = "report.html"

__all__ = ["REPORT_NAME", "render", "warnings"]
