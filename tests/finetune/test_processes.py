"""Two processes make one run: what they learn and tell is what one process does with twice the batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import process_runs as runs
import pytest
from safetensors.torch import load_file

from finetune import TrainConfig, TrainResult, train
from finetune.metrics_log import read_metrics
from finetune.schema import Example

ROOT = Path(__file__).parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
TORCHRUN += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]  # a port that is free
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch", "--use_fsdp", "--fsdp_version", "2"]
ACCELERATE += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
ACCELERATE += ["--dynamo_backend", "no", "--main_process_port", "0"]


def launched(*command: str, launcher: Sequence[str] = TORCHRUN) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "tests"))
    return subprocess.run(
        [*launcher, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes have made the runs of process_runs.py."""
    found = tmp_path_factory.mktemp("processes")
    (found / "model").symlink_to(tiny_llama)
    lines = [json.dumps({"messages": row.messages, "split": row.split}) for row in runs.chats(6, 2)]
    (found / "rows.jsonl").write_text("\n".join(lines), "utf-8")
    done = launched(str(ROOT / "tests" / "process_runs.py"), "all", str(found))
    assert done.returncode == 0, done.stderr[-4000:]
    return found


@pytest.fixture(scope="module")
def met(folder: Path) -> list[dict[str, Any]]:
    """What each of the two processes met, by run."""
    return [json.loads((folder / f"met-{place}.json").read_text("utf-8")) for place in (0, 1)]


def alone(folder: Path, out: Path, rows: list[Example], settings: dict[str, Any]) -> TrainResult:
    """The same run in one process, with the batch of both."""
    twice = {**settings, "batch_size": 2 * settings["batch_size"]}
    return train(rows, TrainConfig(model=str(folder / "model"), out=str(out), **twice))


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return alone(folder, tmp_path_factory.mktemp("plain") / "out", runs.chats(13, 2), runs.PLAIN)


def same_weights(one: Path, other: Path) -> bool:
    (file,) = one.glob("*.safetensors")
    ours, theirs = load_file(file), load_file(other / file.name)
    return ours.keys() == theirs.keys() and all(
        bool((ours[name].float() - theirs[name].float()).abs().max() < 1e-5) for name in ours
    )


@pytest.mark.parametrize(
    ("name", "rows", "settings"),
    [
        ("uneven", runs.chats(13, 5), runs.SCORED),
        ("blocks", runs.documents(), runs.BLOCKS),
        ("labels", runs.labelled(), runs.LABELS),
    ],
)
def test_two_processes_learn_what_one_does_with_twice_the_batch(
    name: str,
    rows: list[Example],
    settings: dict[str, Any],
    folder: Path,
    met: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    one, (first, second) = alone(folder, tmp_path / "one", rows, settings), (here[name] for here in met)
    assert first["losses"] == pytest.approx(one.losses, abs=1e-5)
    assert first["before"] == pytest.approx(one.card.metrics_before, rel=1e-5)
    assert first["after"] == pytest.approx(one.card.metrics_after, rel=1e-5)
    if name != "labels":  # of a classifier the head lies beside the encoder
        assert same_weights(folder / name, tmp_path / "one")
    assert {**first, "said": []} == {**second, "said": []}
    assert second["said"] == []


def test_every_held_out_and_general_row_is_scored_once(
    folder: Path, met: list[dict[str, Any]], tmp_path: Path
) -> None:
    one, found = alone(folder, tmp_path / "one", runs.chats(13, 5), runs.SCORED), met[0]["uneven"]
    assert found["forgetting"]["rows"] == 60
    assert found["forgetting"]["loss_after"] == pytest.approx(one.card.forgetting["loss_after"], rel=1e-5)
    assert {name: gain["rows"] for name, gain in found["gains"].items()} == dict.fromkeys(one.card.gains, 5.0)
    assert found["gains"]["token_f1"]["after"] == pytest.approx(one.card.gains["token_f1"]["after"], abs=1e-5)


def test_one_process_writes_the_files_and_counts_the_tokens_of_both(
    folder: Path, plain: TrainResult, met: list[dict[str, Any]]
) -> None:
    lines, wanted = (
        read_metrics(Path(place) / "metrics.jsonl") for place in (folder / "little memory", plain.path)
    )
    assert [line["step"] for line in lines] == [line["step"] for line in wanted] == list(range(1, 9))
    assert [line["tokens"] for line in lines] == [line["tokens"] for line in wanted]


def test_both_stop_early_at_one_step_and_keep_the_same_weights(
    folder: Path, met: list[dict[str, Any]], tmp_path: Path
) -> None:
    one = alone(folder, tmp_path / "one", runs.chats(13, 2, strange=True), runs.WATCHED)
    assert met[0]["watched"]["stopped"] == met[1]["watched"]["stopped"] == one.card.stopped
    assert one.card.stopped["kept_step"] < one.steps < 60


def test_memory_that_is_short_in_one_process_halves_the_batch_of_both(
    met: list[dict[str, Any]], plain: TrainResult
) -> None:
    found = met[0]["little memory"]
    assert found["said"] == [
        "memory ran out at step 1 with 2 rows at a time: it goes on with 1, accumulated 2 times, so that a step "
        "still learns from 4 rows"
    ]
    assert found["losses"] == met[1]["little memory"]["losses"] == pytest.approx(plain.losses, abs=1e-5)


def test_a_gradient_that_is_no_number_in_one_process_ends_both_with_the_weights_before_it(
    folder: Path, met: list[dict[str, Any]]
) -> None:
    kinds = {here["broken"]["kind"] for here in met}
    assert "Diverged" in kinds and kinds <= {"Diverged", "Elsewhere"}
    (kept,) = (folder / "broken.unfinished").glob("checkpoint-*")
    assert any(f"the weights before it are kept in '{kept}'" in here["broken"]["error"] for here in met)


def test_a_signal_to_one_process_stops_both_at_one_step_and_the_run_goes_on(
    met: list[dict[str, Any]], plain: TrainResult
) -> None:
    for here in met:
        assert here["stopped"]["kind"] == "TrainingInterrupted"
        assert "checkpoint-" in here["stopped"]["error"] and "--resume" in here["stopped"]["error"]
        assert here["resumed"]["losses"] == pytest.approx(plain.losses, abs=1e-5)
        assert here["resumed"]["after"] == pytest.approx(plain.card.metrics_after, rel=1e-5)
        assert here["finished"]["notes"] == ["already finished: nothing to do"]
    assert met[0]["stopped"]["error"] == met[1]["stopped"]["error"]


def test_a_method_that_one_process_has_to_do_alone_is_refused_once(met: list[dict[str, Any]]) -> None:
    assert met[0]["wrong"]["error"].startswith("features solves one regression over all rows")
    assert met[1]["wrong"]["kind"] == "Elsewhere"


@pytest.fixture(scope="module")
def spread(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes of accelerate have made runs with FSDP, each holding a part of the model."""
    found = tmp_path_factory.mktemp("spread")
    (found / "model").symlink_to(tiny_llama)
    done = launched(str(ROOT / "tests" / "process_runs.py"), "spread", str(found), launcher=ACCELERATE)
    assert done.returncode == 0, done.stderr[-4000:]
    return found


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_model_that_is_spread_over_processes_learns_the_same(
    method: str, spread: Path, tmp_path: Path
) -> None:
    one = alone(spread, tmp_path / "one", runs.chats(13, 5), {**runs.UNEVEN, "method": method})
    for place in (0, 1):
        found = json.loads((spread / f"met-{place}.json").read_text("utf-8"))
        assert found[method]["losses"] == pytest.approx(one.losses, abs=1e-5)
        assert found[method]["after"] == pytest.approx(one.card.metrics_after, rel=1e-5)
        assert found[method]["parts"] < found[method]["whole"]
        assert found[f"{method} resumed"]["losses"] == pytest.approx(one.losses, abs=1e-5)
        assert found["qlora"]["kind"] in ("ValueError", "Elsewhere")
    assert same_weights(spread / method, tmp_path / "one")


def test_a_mistake_ends_every_process_with_one_line(tiny_llama: Path, tmp_path: Path) -> None:
    command = ["-m", "apps.cli", "train", str(tmp_path / "none.jsonl"), "--model", str(tiny_llama)]
    done = launched(*command, "--out", str(tmp_path / "out"))
    assert done.returncode != 0
    assert done.stderr.count("none.jsonl") == 1 and "exitcode  : 2" in done.stderr
    assert not (tmp_path / "out").exists() and done.stdout == ""


def test_the_command_speaks_in_one_process(folder: Path, met: list[dict[str, Any]]) -> None:
    first, second = (here["command"] for here in met)
    assert first["status"] == second["status"] == 0
    assert f"Saved to {folder / 'command'}" in first["printed"] and "2 processes" in first["printed"]
    assert "load: 1 of 1" in first["said"]
    assert second["printed"] == second["said"] == ""
    assert (folder / "command" / "loss.svg").is_file()
