"""Pictures of text to lines by RapidOCR, whose models come inside its wheel; an extra, absent unless installed."""

from __future__ import annotations

import importlib.util
import statistics
from functools import lru_cache
from typing import Any, NamedTuple

from rag.loaders.lines import Line, Part

EXTRA = "pip install 'llm-adaptation-advisor[ocr]'"
_PACKAGE = "rapidocr_onnxruntime"
_LEAST_SURE = 0.5
_LARGE = 1.6  # times the height of the middling line: a heading


class Found(NamedTuple):
    """A recognised line in pixels from the top left, and how sure the recogniser is (0 to 1)."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    sure: float


def has_ocr() -> bool:
    """Whether the extra is installed; it is not loaded by asking."""
    return importlib.util.find_spec(_PACKAGE) is not None


def picture_lines(pixels: Any, scale: float) -> list[Line]:
    """Lines of a picture (height, width, BGR) from top to bottom; `scale` is pixels for each point."""
    found = _recognised(pixels)
    if _lies_on_its_side(found):
        import numpy as np

        turned = [np.ascontiguousarray(np.rot90(pixels, turns)) for turns in (1, 3)]
        # Upside down, letters are hardly sure: without the step that turns lines the better side tells itself.
        found = max((_recognised(side, turn_lines=False) for side in turned), key=_sureness)
    return _lines(found, scale)


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1, text_score=_LEAST_SURE)


def _recognised(pixels: Any, turn_lines: bool = True) -> list[Found]:
    result, _ = _engine()(pixels, use_cls=turn_lines)
    found = []
    for corners, text, sure in result or []:
        across, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
        if words := " ".join(text.split()):
            found.append(Found(words, min(across), min(down), max(across), max(down), float(sure)))
    return found


def _lies_on_its_side(found: list[Found]) -> bool:
    long = [item for item in found if len(item.text) >= 4]
    upright = sum(item.bottom - item.top > 1.5 * (item.right - item.left) for item in long)
    return 2 * upright > len(long)


def _sureness(found: list[Found]) -> float:
    return sum(item.sure * len(item.text) for item in found)


def _lines(found: list[Found], scale: float) -> list[Line]:
    """Pieces side by side are one line; heights wobble, so a line counts as large or as of the usual size."""
    if not found:
        return []
    usual = statistics.median(item.bottom - item.top for item in found)
    rows: list[list[Found]] = []
    for item in sorted(found, key=lambda item: item.top + item.bottom):
        middle = (item.top + item.bottom) / 2
        if rows and middle < rows[-1][0].bottom - 0.3 * usual and item.top < rows[-1][0].bottom:
            rows[-1].append(item)
        else:
            rows.append([item])
    return [_line(sorted(row, key=lambda item: item.left), usual, scale) for row in rows]


def _line(row: list[Found], usual: float, scale: float) -> Line:
    parts: list[Part] = []
    for item in row:
        left, right = item.left / scale, item.right / scale
        if parts and item.left - parts[-1].right * scale < usual:
            parts[-1] = Part(text=f"{parts[-1].text} {item.text}", left=parts[-1].left, right=right)
        else:
            parts.append(Part(text=item.text, left=left, right=right))
    tallest = max(item.bottom - item.top for item in row)
    size = round(tallest / scale if tallest > _LARGE * usual else usual / scale, 1)
    return Line(
        text=" | ".join(part.text for part in parts),
        left=parts[0].left,
        right=parts[-1].right,
        bottom=-statistics.median(item.bottom for item in row) / scale,
        height=usual / scale,
        size=size,
        parts=tuple(parts),
    )
