"""Times `advisor recommend` on 1,000 generated files against `accelerate estimate-memory`, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from results import RESULTS, machine, tell

TITLE = "Speed of a recommendation"
TARGET_S = 0.6
_WORDS = (
    "rate",
    "fund",
    "loan",
    "fee",
    "client",
    "report",
    "market",
    "credit",
    "branch",
    "order",
    "policy",
    "limit",
)
_CHINESE = "本行基金贷款费率客户报告市场信用支行订单政策限额资产债券价格年度"
# Used where the command line is not installed: the same calls, in the same kind of fresh process.
_LIBRARY = (
    "import sys; from advisor import *; "
    "r = recommend(hardware_with_vram(24, detect_hardware()), profile_data(sys.argv[1]), Needs()); "
    "sys.stdout.write(render_text(r))"
)
# `accelerate estimate-memory` asks the hub about the model before it reads the config, so a local folder ends in an
# error. That one request is answered here, which only saves the other program time; the rest is its own command.
_PEER = (
    "from types import SimpleNamespace; import accelerate.commands.estimate as estimate; "
    "estimate.verify_on_hub = lambda repo, token=None: SimpleNamespace(config={}, library_name='transformers'); "
    "estimate.main()"
)


def write_files(folder: Path, count: int, seed: int = 7) -> None:
    """A mixture of text, Markdown, CSV, HTML and DOCX of 1 to 40 KB, a fifth of it Chinese."""
    rng = random.Random(seed)
    for number in range(count):
        chinese = rng.random() < 0.2
        pool: Sequence[str] = _CHINESE if chinese else _WORDS
        text = ("" if chinese else " ").join(rng.choices(pool, k=rng.randint(200, 6000)))
        suffix = rng.choice((".txt", ".md", ".csv", ".html", ".docx"))
        path = folder / f"area{number % 20:02d}" / f"file{number:04d}{suffix}"
        path.parent.mkdir(exist_ok=True)
        if suffix == ".docx":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(
                    "word/document.xml", f"<w:document><w:p><w:t>{text}</w:t></w:p></w:document>"
                )
        else:
            path.write_text(
                f"<html><body><p>{text}</p></body></html>" if suffix == ".html" else text, "utf-8"
            )


def write_model(folder: Path) -> None:
    """A Llama of 7B by its config alone, which is all that the other program reads."""
    shape = {
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    }
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000, **shape}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


def time_command(command: Sequence[str], repeats: int, caches: Path) -> list[float]:
    """Wall-clock seconds of whole processes; the first, which fills the caches, is not counted.

    Byte code is kept in `caches`, as an installation keeps it, even where the environment forbids writing any.
    """
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPYCACHEPREFIX": str(caches),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-800:]}{done.stderr[-800:]}")
    return seconds[1:]


def ours(documents: Path) -> list[str]:
    script = Path(sys.executable).with_name("advisor")
    started = (
        script.is_file()
        and not subprocess.run([script, "recommend", "--help"], capture_output=True, check=False).returncode
    )
    if started:
        return [str(script), "recommend", "--vram", "24", "--data", str(documents)]
    return [sys.executable, "-c", _LIBRARY, str(documents)]


def theirs(model: Path) -> list[str] | None:
    if not shutil.which("accelerate", path=str(Path(sys.executable).parent)):
        return None
    return [sys.executable, "-c", _PEER, str(model), "--library_name", "transformers"]


def section(files: int, own: list[float], other: list[float] | None, command: str) -> str:
    """The Markdown section: medians with their range, the ratio, machine and date."""
    rows = [(command, own)] + (
        [("accelerate estimate-memory (config of a 7B Llama, offline)", other)] if other else []
    )
    table = [f"| `{name}` | {statistics.median(s):.3f} | {min(s):.3f} to {max(s):.3f} |" for name, s in rows]
    met = "met" if statistics.median(own) < TARGET_S else "missed"
    lines = [
        f"## {TITLE}",
        "",
        f"Whole processes, median of {len(own)} after one warm-up, {files:,} files.",
        "",
    ]
    lines += ["| command | median s | range s |", "|---|---:|---:|", *table, ""]
    if other:
        ratio = statistics.median(other) / statistics.median(own)
        lines += [
            f"Ratio: `advisor recommend` takes 1/{ratio:.1f} of the time, and reads the documents besides."
        ]
    lines += [f"Target: under {TARGET_S} s median; {met}.", "", machine()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        documents, model = Path(place) / "docs", Path(place) / "model"
        documents.mkdir()
        write_files(documents, chosen.files)
        write_model(model)
        command = ours(documents)
        caches = Path(place) / "caches"
        own = time_command(command, chosen.repeats, caches)
        peer = theirs(model)
        other = time_command(peer, chosen.repeats, caches) if peer else None
    said = (
        "advisor recommend --vram 24 --data DOCS"
        if command[1] == "recommend"
        else "the same calls from Python"
    )
    text = section(chosen.files, own, other, said)
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
