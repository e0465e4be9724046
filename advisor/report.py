"""A recommendation for people: text for a terminal, Markdown and HTML; the JSON of plan.json is in plan_json.py."""

from __future__ import annotations

from .plan_json import as_asked, from_json, to_json
from .report_html import render_html
from .report_markdown import render_markdown
from .report_text import render_text

__all__ = ["as_asked", "from_json", "render_html", "render_markdown", "render_text", "to_json"]
