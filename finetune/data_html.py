"""A data report as one HTML page that holds all it needs: no script, no file beside it; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from finetune.data_records import DataReport, Finding, Preview
from finetune.data_text import (
    finding_in_words,
    lengths_in_words,
    printable,
    shortened,
    title,
    tokens_in_words,
    worse,
)
from finetune.formats.faults import Fault

_MOST_FAULTS = 500  # that are listed; a file with more has another trouble
# The page may not load or run anything, whatever a row holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --learned: #b7e4c7; --worse: #f4c7c3; --stops: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --learned: #14532d; --worse: #6b1f1a; --stops: #ff8a80; } }
body { font: 16px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .8rem;
  font: 14px/1.6 ui-monospace, "Sarasa Mono SC", "Noto Sans Mono CJK SC", monospace; }
mark { background: var(--learned); color: inherit; }
mark.worse { background: var(--worse); }
.stops { color: var(--stops); font-weight: 600; }
.bar { background: var(--learned); height: 1rem; display: inline-block; vertical-align: middle; }
"""


def render_html(report: DataReport, *, source: str = "", faults: Sequence[Fault] = ()) -> str:
    """The page; learned stretches of the previewed rows are marked. `faults` are the rows that were not read."""
    title = f"Data check: {source}" if source else "Data check"
    blocks = [
        f"<h1>{escape(printable(title))}</h1>",
        _verdict(report),
        _facts(report),
        _findings("What would stop a training", [one for one in report.findings if one.blocking], "stops"),
        _list(
            "Rows that cannot be used", [f"line {one.line}: {one.reason}" for one in faults[:_MOST_FAULTS]]
        ),
        _findings("Worth knowing", [one for one in report.findings if not one.blocking], ""),
        _bars("Labels", report.labels),
        _bars("Languages", {name: round(100 * share) for name, share in report.languages.items()}, " %"),
        _longest(report),
        *(_preview(preview) for preview in report.preview),
        _list("Not checked", report.unchecked),
    ]
    content = "\n".join(block for block in blocks if block)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(printable(title))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{content}\n</body>\n</html>\n"
    )


def _verdict(report: DataReport) -> str:
    keys = list(dict.fromkeys(one.key for one in report.blocking))
    if not keys:
        return "<p>Nothing here would stop a training.</p>"
    flags = " ".join(f"--allow {key}" for key in keys)
    return f'<p class="stops">A training would stop; mend the rows, or allow it: <code>{flags}</code></p>'


def _facts(report: DataReport) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
    rows = {
        "Model": report.model or "none named",
        "Objective": report.objective or "none",
        "Rows to learn from": f"{report.rows:,} ({kinds})",
        "Held out": f"{report.held_out_rows:,}",
        "Training tokens": tokens_in_words(report.training, report),
        "Held-out tokens": tokens_in_words(report.held_out, report),
        "Lengths": lengths_in_words(report.lengths),
    }
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{escape(printable(text))}</td></tr>'
        for name, text in rows.items()
        if text
    )
    return f"<table>{cells}</table>"


def _findings(title: str, findings: list[Finding], style: str) -> str:
    return _list(title, [finding_in_words(one) for one in findings], style)


def _list(title: str, lines: Iterable[str], style: str = "") -> str:
    items = "".join(f"<li>{escape(printable(line))}</li>" for line in lines)
    return f'<h2 class="{style}">{escape(title)}</h2><ul>{items}</ul>' if items else ""


def _bars(title: str, counts: dict[str, int], unit: str = "") -> str:
    """Each count with a bar as long as its share of the largest."""
    most = max(counts.values(), default=0)
    rows = "".join(
        f'<tr><th scope="row">{escape(printable(name))}</th><td class="number">{count:,}{unit}</td>'
        f'<td style="width:70%"><span class="bar" style="width:{100 * count / most:.1f}%"></span></td></tr>'
        for name, count in counts.items()
        if most
    )
    return f"<h2>{title}</h2><table>{rows}</table>" if rows else ""


def _longest(report: DataReport) -> str:
    if report.lengths is None:
        return ""
    unit = report.lengths.unit
    return _list("Longest rows", [f"line {line}: {size:,} {unit}" for line, size in report.lengths.longest])


def _preview(preview: Preview) -> str:
    mark = '<mark class="worse">' if worse(preview) else "<mark>"
    text = "".join(
        f"{mark}{escape(printable(words))}</mark>" if supervised else escape(printable(words))
        for words, supervised in shortened(preview)
    )
    what = "what is marked is judged" if preview.side else "it learns what is marked"
    return f"<h2>{title(preview)} as the model sees it; {what}</h2><pre>{text}</pre>"
