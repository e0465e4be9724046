"""`advisor news FILE|-`: key facts, sentiment with its reasons, companies and risks of a finance news text."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.news_reading import Company, Fact, NewsReading, Sentiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", help="a text, PDF, DOCX or HTML file with the news, or - for what is piped in"
    )
    parser.add_argument("--model", help="a causal LM that reads it: local folder or Hugging Face name")
    parser.add_argument("--adapter", help="an adapter of a causal LM made by 'advisor train'")
    parser.add_argument("--api-base", help="an OpenAI-compatible server, e.g. http://localhost:8000/v1")
    parser.add_argument(
        "--json", action="store_true", help="the reading as JSON, with the place of every quote"
    )


def run(args: argparse.Namespace) -> int:
    from apps.news import load_news, news_writer, read_news
    from apps.settings import load_settings

    text = _piped() if args.file == "-" else load_news(args.file)
    reading = read_news(text, writer=news_writer(load_settings(vars(args))))
    print(json.dumps(asdict(reading), ensure_ascii=False, indent=2) if args.json else render(reading))
    return 0


def _piped() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            "What is piped in is no UTF-8 text; name the file, such as a .pdf or .docx, instead of -."
        ) from None


def render(reading: NewsReading) -> str:
    """The reading as text; every quote is on one line with its place."""
    from rag.inert import visible

    lines = [_sentiment(reading.sentiment)]
    lines += [
        f"  because {_shown(reason.quote, reason.start, reason.end)}" for reason in reading.sentiment.reasons
    ]
    lines += ["", f"Facts ({len(reading.facts)})", *(_fact(fact) for fact in reading.facts)]
    if reading.companies:
        lines += ["", "Companies", *(_company(company) for company in reading.companies)]
    lines += ["", f"Risks ({len(reading.risks)})"]
    lines += [f"  {risk.kind:<10} {_shown(risk.quote, risk.start, risk.end)}" for risk in reading.risks]
    lines += [f"Note: {note}" for note in reading.notes]
    if reading.dropped:
        lines.append(
            f"{reading.dropped} quote(s) of {reading.written_by} do not stand in the text and were dropped."
        )
    return visible("\n".join(lines))


def _sentiment(found: Sentiment) -> str:
    sure = "" if found.confidence is None else f", confidence {found.confidence:.0%}"
    return f"Sentiment: {found.label} ({found.label_zh}){sure}{' — not sure' if found.unsure else ''}"


def _fact(fact: Fact) -> str:
    return f"  {', '.join(fact.kinds)}: {_shown(fact.quote, fact.start, fact.end)}"


def _company(company: Company) -> str:
    sure = "" if company.confidence is None else f" ({company.confidence:.0%})"
    return f"  {company.name}: {company.label}{sure}, named {len(company.mentions)}x"


def _shown(quote: str, start: int, end: int) -> str:
    return f'[{start}-{end}] "{" ".join(quote.split())}"'
