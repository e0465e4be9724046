"""The check script as a module, and the finance example read once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rag.loaders import load_folder
from rag.schema import Document

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_check", EXAMPLES / "check.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["examples_check"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def finance_documents() -> dict[str, Document]:
    documents, problems = load_folder(EXAMPLES / "finance" / "docs")
    assert not problems
    return {document.source: document for document in documents}


@pytest.fixture
def questions(check: ModuleType) -> list[dict[str, Any]]:
    rows, broken = check.read_rows(EXAMPLES / "finance" / "qa.jsonl")
    assert not broken
    return list(rows)


@pytest.fixture
def headlines(check: ModuleType) -> list[dict[str, Any]]:
    rows, broken = check.read_rows(EXAMPLES / "finance" / "headlines.jsonl")
    assert not broken
    return list(rows)
