"""Fixtures of the retrieval tests: a small folder of documents and a quick embedder."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import HashEmbedder

TEXTS = {
    "refunds.md": "# Refunds\n\nA refund is paid within 14 days. Damaged goods are replaced at once.\n",
    "travel/allowance.txt": "The daily travel allowance is 60 euros. Hotels are booked by the office.\n",
    "年报.md": "# 年度报告\n\n公司2024年营业收入为12.5亿元，同比增长8%。净利润为1.2亿元。\n",
}


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
