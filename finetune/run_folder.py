"""A run on disk: checkpoints in `<out>.unfinished`, and the finished adapter that replaces `<out>` in one
rename."""

from __future__ import annotations

import errno
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune import processes
from finetune.adapters import CARD
from finetune.schema import AdapterCard, TrainConfig
from finetune.weights import tensors_complete

# What may differ between an interrupted run and the one that goes on with it.
FREE_TO_CHANGE = {"out", "resume", "overwrite", "save_steps", "allow", "report_to"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# torch.save and safetensors report a full disk in their own exceptions, by these words.
FULL_WORDS = ("No space left", "Disk quota", "File too large", "file write failed", "iostream error")


def unfinished(out: Path) -> Path:
    """The folder beside `out` where a run keeps its checkpoints until it ends."""
    return out.with_name(out.name + ".unfinished")


def is_finished(out: Path) -> bool:
    return (out / CARD).is_file()


def claim(config: TrainConfig) -> None:
    """Checks that a run may write to `config.out`. Raises ValueError rather than touch what lies there."""
    out, partial = Path(config.out), unfinished(Path(config.out))
    _restore(out)
    refuse_foreign(out)
    if is_finished(out) and not config.overwrite and not (config.resume and partial.is_dir()):
        raise ValueError(
            f"'{out}' holds a finished adapter; choose another --out, or replace it with --overwrite."
        )
    found = checkpoint(out)
    if found and not config.resume and not config.overwrite:
        raise ValueError(
            f"An interrupted run lies in '{partial}' ({found.name}); give --resume to go on with it, "
            "or --overwrite to start anew."
        )


def refuse_foreign(out: Path) -> None:
    """Raises ValueError where something lies at `out` that this program did not make."""
    if out.exists() and not is_finished(out) and not (out.is_dir() and not any(out.iterdir())):
        raise ValueError(f"'{out}' exists and is no adapter of this program; choose another --out.")


def open_run(
    config: TrainConfig, fingerprint: Mapping[str, str]
) -> tuple[Path, Path | None, tuple[str, ...]]:
    """The run's folder, the checkpoint to go on from, and half-written ones that were passed over.

    Raises ValueError when the run's settings or data were others.
    """
    partial = unfinished(Path(config.out))
    found = checkpoint(Path(config.out)) if config.resume else None
    torn = _torn(partial) if config.resume else ()
    now = _settings(config, fingerprint)
    if found is None:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_run(partial, {"settings": now})
        return partial, None, torn
    then = read_run(partial).get("settings", {})
    words = {
        "base_hash": "the base model's weights",
        "data_hash": "the training rows",
        "adapter_hash": "the adapter that it goes on from",
    }
    changed = [words.get(key, key) for key, value in fingerprint.items() if then.get(key) != value]
    changed += changes(then, config)
    if then.get("processes", 1) != processes.count():
        changed.append(f"it ran in {then.get('processes', 1)} processes, now in {processes.count()}")
    if changed:
        raise ValueError(
            f"The interrupted run in '{partial}' differs: {'; '.join(changed)}. Restore, or --overwrite."
        )
    for name in torn:
        shutil.rmtree(partial / name)
    return partial, found, torn


def fingerprint_of(card: AdapterCard) -> dict[str, str]:
    """What the run that made an adapter was fingerprinted by."""
    start = {"adapter_hash": card.started_from["weights"]} if card.started_from else {}
    return {"base_hash": card.base_hash, "data_hash": card.data_hash, **start}


def check_seen(partial: Path) -> None:
    """Raises OSError in a process that does not see what the first one made."""
    if not (partial / "run.json").is_file():
        raise OSError(
            f"'{partial}' is not seen by every process of the run; choose an --out on a disk that all machines share."
        )


def _torn(partial: Path) -> tuple[str, ...]:
    return tuple(sorted(folder.name for folder in partial.glob("checkpoint-*") if not _complete(folder)))


def changes(then: Mapping[str, Any], config: TrainConfig) -> list[str]:
    """Settings that shape the result and were others in an earlier run, in words."""
    return [
        f"{key} was {then.get(key)!r}, now {value!r}"
        for key, value in asdict(config).items()
        if key not in FREE_TO_CHANGE and _as_stored(then.get(key)) != _as_stored(value)
    ]


def _as_stored(value: Any) -> Any:
    """JSON knows lists alone."""
    return list(value) if isinstance(value, tuple) else value


def _settings(config: TrainConfig, fingerprint: Mapping[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in asdict(config).items() if key not in FREE_TO_CHANGE}
    return {**kept, **fingerprint, "processes": processes.count()}


def read_run(partial: Path) -> dict[str, Any]:
    """What run.json holds; empty when it is missing or damaged."""
    try:
        content = json.loads((partial / "run.json").read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def write_run(partial: Path, content: Mapping[str, Any]) -> None:
    fresh = partial / "run.json.new"
    fresh.write_text(json.dumps(content, ensure_ascii=False, indent=2), "utf-8")
    fresh.replace(partial / "run.json")


def checkpoint(out: Path) -> Path | None:
    """The newest complete checkpoint of an interrupted run; half-written ones are passed over."""
    found = [folder for folder in unfinished(out).glob("checkpoint-*") if _complete(folder)]
    return max(found, key=_step, default=None)


def _step(folder: Path) -> int:
    match = re.fullmatch(r"checkpoint-(\d+)", folder.name)
    return int(match.group(1)) if match else -1


def _complete(folder: Path) -> bool:
    """The Trainer writes trainer_state.json last; weights and optimizer are looked at too, for a disk that
    was full."""
    try:
        state = json.loads((folder / "trainer_state.json").read_text("utf-8"))
    except (OSError, json.JSONDecodeError):
        return False
    weights = list(folder.glob("*.safetensors"))
    return (
        state.get("global_step") == _step(folder)
        and bool(weights)
        and all(tensors_complete(file) for file in weights)
        and zipfile.is_zipfile(folder / "optimizer.pt")
    )


def at_the_end(folder: Path) -> bool:
    """Whether a complete checkpoint is that of the run's last step."""
    state = json.loads((folder / "trainer_state.json").read_text("utf-8"))
    return int(state["global_step"]) >= int(state["max_steps"])


def sweep(partial: Path) -> None:
    """Removes the folder of a run that left no checkpoint, so that a mistake leaves nothing behind."""
    if not any(partial.glob("checkpoint-*")):
        shutil.rmtree(partial, ignore_errors=True)


def publish(staging: Path, out: Path, partial: Path) -> None:
    """Puts the finished folder in the place of `out`; the old one and the run's folder are deleted after that."""
    old = out.with_name(out.name + ".replaced")
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists():
        out.rename(old)
    staging.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)


def _restore(out: Path) -> None:
    """After a crash between the two renames of publish, the old adapter goes back to its place."""
    old = out.with_name(out.name + ".replaced")
    if old.is_dir() and not out.exists():
        old.rename(out)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raises OSError before training when the checkpoints cannot fit on the disk."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OSError(
            f"The disk of '{folder}' has {free / 2**30:.2f} GiB free; this run's checkpoints need about "
            f"{needed_bytes / 2**30:.2f} GiB. Free some space or choose another --out."
        )


@contextmanager
def full_disk_in_one_line(folder: Path) -> Iterator[None]:
    """Turns a full disk, however a library words it, into one OSError sentence; other errors pass
    unchanged."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        worded = any(words in str(error) for words in FULL_WORDS)
        if worded or getattr(error, "errno", None) in FULL:
            raise OSError(
                f"The disk was full while saving to '{folder}'; what was saved before is kept. "
                "Free some space and run the same command with --resume."
            ) from error
        raise
