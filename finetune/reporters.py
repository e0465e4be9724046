"""Where a run is reported beside its own files: TensorBoard, W&B, MLflow and others, through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

# transformers' names of them, and the package that each needs.
PACKAGES = {
    "clearml": "clearml",
    "comet_ml": "comet_ml",
    "dvclive": "dvclive",
    "mlflow": "mlflow",
    "swanlab": "swanlab",
    "tensorboard": "tensorboard",
    "trackio": "trackio",
    "wandb": "wandb",
}


def check_reporters(names: Sequence[str]) -> None:
    """Raises ValueError for an unknown name, ImportError naming the package that is missing."""
    for name in names:
        if name not in PACKAGES:
            raise ValueError(f"Unknown --report-to '{name}'; choose one of {sorted(PACKAGES)}.")
        if not _installed(PACKAGES[name]):
            raise ImportError(
                f"--report-to {name} needs a package that is not installed; run pip install {PACKAGES[name]}, or "
                "leave it out: metrics.jsonl and loss.svg are written in any case."
            )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # a module that was blocked in sys.modules has no spec
        return False
