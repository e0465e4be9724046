"""`advisor ask QUESTION`: an answer with verified citations, or a refusal (exit status 0 both times)."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.assistant import Answer
    from apps.labels import Label


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question")
    add_answering(parser)
    parser.add_argument("--json", action="store_true", help="the answer, its citations and the hits as JSON")


def add_answering(parser: argparse.ArgumentParser) -> None:
    """The flags that every command which answers shares."""
    parser.add_argument(
        "--index", help="an index made by 'advisor index'; without one the model answers closed book"
    )
    parser.add_argument(
        "--model", help="a causal LM: local folder or Hugging Face name (default: extractive, no model)"
    )
    parser.add_argument("--adapter", help="an adapter made by 'advisor train': it writes, labels or reads")
    parser.add_argument("--api-base", help="an OpenAI-compatible server, e.g. http://localhost:8000/v1")
    parser.add_argument("-k", type=int, help="passages to retrieve (default 6)")
    parser.add_argument(
        "--domain", help="who reads what is found: general (default), finance, medical or none"
    )


def run(args: argparse.Namespace) -> int:
    from apps.labels import label_answer
    from apps.opening import open_assistant, open_classifier
    from apps.settings import load_settings

    settings = load_settings(vars(args))
    classifier = open_classifier(settings)
    answer = open_assistant(settings, classifier).ask(args.question)
    labels = label_answer(answer, classifier, args.question) if classifier else ()
    if args.json:
        print(
            json.dumps(asdict(answer) | {"labels": [asdict(x) for x in labels]}, ensure_ascii=False, indent=2)
        )
    else:
        print(render(answer, labels if answer.hits else ()))  # closed book the answer itself is the label
    return 0


def render(answer: Answer, labels: tuple[Label, ...] = ()) -> str:
    """The answer as text, its citations below it with the exact quotes."""
    from rag.inert import visible

    lines = [answer.headline, "", answer.text] if answer.headline else [answer.text]
    if answer.citations:
        lines += ["", "Sources"]
    for citation in answer.citations:
        place = f"{_place(citation.source, citation.page)}, characters {citation.start}-{citation.end}"
        lines.append(f'  [{citation.number}] {place}: "{" ".join(citation.quote.split())}"')
    lines += [
        f"  {label.label} ({label.probability:.0%}): {' '.join(label.text.split())}" for label in labels
    ]
    if answer.refused and answer.hits:
        lines += ["", "Nearest passages"]
        lines += [
            f"  {_place(hit.chunk.source, hit.chunk.page)}: {_shortened(hit.chunk.text)}"
            for hit in answer.hits[:3]
        ]
    if answer.unsupported:
        lines.append(f"{len(answer.unsupported)} sentence(s) above have no source that supports them.")
    if answer.uncited:
        lines.append(f"{len(answer.uncited)} sentence(s) above name no source.")
    if answer.notice:
        lines += ["", answer.notice]
    return visible("\n".join(lines))  # a quote may hold orders to the terminal


def _place(source: str, page: int | None) -> str:
    return f"{source}, page {page}" if page else source


def _shortened(text: str, characters: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[:characters].rstrip()} …"
