"""Keeps RESULTS.md: each benchmark owns one section, which it replaces, with the machine and the date below it."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """One line: processor, cores, Python, today."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0].split(":", 1)[1].strip() if names else model
    today = datetime.date.today().isoformat()
    return f"Machine: {model}, {os.cpu_count()} cores, Python {platform.python_version()}; {today}."


def replace_section(path: Path, title: str, text: str) -> None:
    """Puts `text` in the place of the section of that title, or at the end; other sections stay as they are."""
    before = path.read_text("utf-8") if path.is_file() else "# Results\n"
    head, _, rest = f"\n{before}".partition(f"\n## {title}\n")
    after = rest.partition("\n## ")
    tail = f"\n## {after[2]}" if after[1] else ""
    path.write_text(f"{head.strip()}\n\n{text.strip()}\n{tail}", "utf-8")


def tell(title: str, text: str, write: bool) -> None:
    """Prints a section, and puts it into RESULTS.md where that is wanted."""
    print(text)
    if write:
        replace_section(RESULTS, title, text)
