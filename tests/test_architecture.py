"""The house rules that a machine can check: who imports whom, what starts light, how long a file is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("advisor", "rag", "finetune", "apps")
ALLOWED = {"advisor": set(), "rag": set(), "finetune": set(), "apps": {"advisor", "rag", "finetune"}}
HEAVY = ("torch", "transformers", "numpy", "faiss", "langchain_core", "streamlit", "peft", "pandas", "jieba")


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_meet_only_in_apps(package: str) -> None:
    others = set(PACKAGES) - ALLOWED[package] - {package}
    wrong = [str(p) for p in (ROOT / package).rglob("*.py") if imported(p) & others]
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        "import advisor, rag, finetune, apps",
        "from advisor import recommend, Needs; from rag import Document; from finetune import TrainConfig",
        "from apps.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from apps.cli import main\ntry: main(['ask', '--help'])\nexcept SystemExit: pass",
        "from apps.cli import main; main(['recommend', '--vram', '24'])",
    ],
)
def test_start_is_light(code: str) -> None:
    check = f"{code}\nimport sys\nassert not [m for m in {HEAVY!r} if m in sys.modules], 'heavy'"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_files_stay_short(package: str) -> None:
    long = [str(p) for p in (ROOT / package).rglob("*.py") if len(p.read_text("utf-8").splitlines()) > 300]
    assert long == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_opens_with_a_sentence(package: str) -> None:
    modules = [p for p in (ROOT / package).rglob("*.py") if p.read_text("utf-8").strip()]
    assert [str(p) for p in modules if not ast.get_docstring(ast.parse(p.read_text("utf-8")))] == []
