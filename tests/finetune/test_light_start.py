"""Importing the package, and finding a mistake in a file, load no heavy library."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "peft", "trl", "datasets", "numpy", "accelerate")


def test_the_package_and_its_light_parts_import_nothing_heavy() -> None:
    program = (
        "import sys, finetune, finetune.formats, finetune.adapters, finetune.training\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_train_stays_a_function_after_its_module_is_loaded() -> None:
    program = "import finetune.training, finetune; from finetune import train; print(callable(train))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"
