"""What a grounded row answers: the example's answer with the number of the passage that holds it."""

from __future__ import annotations

from rag.schema import Hit
from rag.sentences import sentence_spans
from rag.support import best_support


def cited_answer(answer: str, gold: Hit, number: int) -> str:
    """Each sentence that the passage supports bears its mark; where none does, the last one bears it."""
    from rag.words import tokenize  # loads jieba

    spans = sentence_spans(answer)
    marked = [
        span for span in spans if best_support(answer[slice(*span)], gold.chunk, tokenize) is not None
    ] or spans[-1:]
    for _, end in reversed(marked):
        answer = f"{answer[:end]} [{number}]{answer[end:]}"
    return answer
