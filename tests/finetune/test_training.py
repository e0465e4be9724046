"""A run begins, is interrupted, goes on, ends; and loses nothing on the way."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetune import TrainConfig, TrainingInterrupted, read_card, train
from finetune.run_folder import checkpoint, unfinished
from finetune.schema import Example

Make = Callable[..., TrainConfig]


def stop_at(step: int) -> Callable[[str, int, int], None]:
    """A progress callback that presses Ctrl-C."""

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def weights(folder: str) -> dict[str, torch.Tensor]:
    (file,) = Path(folder).glob("*.safetensors")
    return load_file(file)


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    method: str, config: Make, rows: list[Example], tmp_path: Path
) -> None:
    whole = train(rows, config(method=method, out=str(tmp_path / "whole"), lora_dropout=0.1))
    half = config(method=method, lora_dropout=0.1)
    with pytest.raises(TrainingInterrupted, match="step 3 of 8.*--resume to go on"):
        train(rows, half, stop_at(3))
    assert checkpoint(Path(half.out)) == unfinished(Path(half.out)) / "checkpoint-3"
    assert not Path(half.out).exists()
    steps: list[int] = []
    resumed = train(
        rows,
        config(method=method, lora_dropout=0.1, resume=True),
        lambda stage, done, total: steps.append(done) if stage == "train" else None,
    )
    assert steps == [3, 4, 5, 6, 7, 8]
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    first, second = weights(whole.path), weights(resumed.path)
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    assert resumed.card.metrics_before == whole.card.metrics_before
    assert not unfinished(Path(half.out)).exists()


def test_sigterm_saves_too(config: Make, rows: list[Example]) -> None:
    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(TrainingInterrupted):
        train(rows, config(), tell)
    assert checkpoint(Path(config().out)) is not None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_stop_at_the_last_step_still_goes_on_to_the_end(config: Make, rows: list[Example]) -> None:
    with pytest.raises(TrainingInterrupted, match="step 8 of 8"):
        train(rows, config(), stop_at(8))
    assert train(rows, config(resume=True)).steps == 8


def test_a_half_written_checkpoint_is_passed_over(config: Make, rows: list[Example]) -> None:
    with pytest.raises(TrainingInterrupted):
        train(rows, config(save_steps=2), stop_at(4))
    folder = unfinished(Path(config().out))
    newest = folder / "checkpoint-4" / "adapter_model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    shutil.copytree(folder / "checkpoint-2", folder / "checkpoint-6")
    (folder / "checkpoint-6" / "trainer_state.json").write_text('{"global_step": 6')
    found = checkpoint(Path(config().out))
    assert found is not None and found.name == "checkpoint-2"
    resumed = train(rows, config(save_steps=2, resume=True))
    assert resumed.steps == 8
    assert "checkpoint-4 is half-written and passed over" in resumed.notes
    assert "checkpoint-6 is half-written and passed over" in resumed.notes


def test_resume_where_nothing_was_interrupted_begins_at_the_start(config: Make, rows: list[Example]) -> None:
    assert train(rows, config(resume=True, max_steps=2)).steps == 2


def test_repeating_a_finished_command_with_resume_changes_nothing(config: Make, rows: list[Example]) -> None:
    first = train(rows, config(max_steps=2))
    again = train(rows, config(max_steps=2, resume=True))
    assert again.card == first.card and "nothing to do" in again.notes[0]
    with pytest.raises(ValueError, match="other settings or rows"):
        train(rows, config(max_steps=3, resume=True))


def test_a_finished_adapter_is_kept_unless_it_may_be_overwritten(config: Make, rows: list[Example]) -> None:
    first = train(rows, config(max_steps=2))
    with pytest.raises(ValueError, match="holds a finished adapter.*--overwrite"):
        train(rows, config(max_steps=3))
    with pytest.raises(TrainingInterrupted):
        train(rows, config(max_steps=3, overwrite=True), stop_at(1))
    assert read_card(first.path) == first.card  # still whole: the new one was not finished
    assert train(rows, config(max_steps=3, overwrite=True, resume=True)).card.config["max_steps"] == 3


def test_an_interrupted_run_is_not_thrown_away_by_accident(config: Make, rows: list[Example]) -> None:
    with pytest.raises(TrainingInterrupted):
        train(rows, config(), stop_at(2))
    with pytest.raises(ValueError, match=r"An interrupted run lies in .*checkpoint-2.*--resume"):
        train(rows, config())
    with pytest.raises(ValueError, match="learning_rate was 0.01, now 0.02"):
        train(rows, config(resume=True, learning_rate=2e-2))
    with pytest.raises(ValueError, match="the training rows"):
        train(rows[1:], config(resume=True))
    assert train(rows, config(overwrite=True, max_steps=2)).steps == 2


def test_a_folder_of_other_files_is_never_replaced(config: Make, rows: list[Example]) -> None:
    out = Path(config().out)
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is no adapter of this program; choose another --out"):
        train(rows, config(overwrite=True))
    assert (out / "thesis.txt").read_text() == "mine"


def test_the_card_says_what_was_done(config: Make, rows: list[Example], tiny_llama: Path) -> None:
    stages: list[str] = []
    result = train(rows, config(), lambda stage, done, total: stages.append(stage))
    card = read_card(result.path)
    assert card == result.card
    assert (card.method, card.objective, card.base_model) == ("lora", "sft", str(tiny_llama))
    assert card.trainable_params < card.total_params
    assert {"torch", "transformers", "peft"} <= card.libraries.keys()
    assert list(dict.fromkeys(stages)) == ["load", "evaluate", "train", "save"]
    assert (Path(result.path) / "chat_template.jinja").is_file()


def test_rows_cut_and_dropped_are_told(config: Make, rows: list[Example]) -> None:
    long = Example(
        messages=({"role": "user", "content": "Why? " * 60}, {"role": "assistant", "content": "So."})
    )
    wordy = Example(
        messages=({"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So. " * 60})
    )
    labelled = Example(text="a", label="b")
    notes = " / ".join(train([*rows, long, wordy, labelled], config(max_steps=1, max_length=64)).notes)
    assert "1 of 14 rows cut at 64 tokens" in notes
    assert "1 of 14 rows dropped: the question alone fills 64 tokens" in notes
    assert "1 rows of another kind left out" in notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "lroa"}, r"Unknown method 'lroa' \(near: lora\); choose one of"),
        ({"objective": "rlhf"}, r"Unknown objective 'rlhf'; choose one of \['classify', 'dpo'"),
        ({"model": "no/such-model"}, "Unknown model 'no/such-model'"),
        ({"model": "minilm"}, "does not write text; give a causal language model"),
        ({"objective": "classify"}, "No row fits the objective 'classify'.*use 'sft'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 5.0}, "learning_rate is 5.0"),
        ({"max_length": 8}, "give a larger --max-length"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    config: Make, rows: list[Example], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        train(rows, config(**changes))
    assert "\n" not in str(caught.value)
    assert not Path(config().out).exists()
    assert not unfinished(Path(config().out)).exists()


FULL_DISK = """
import resource, signal, sys
from finetune import TrainConfig, load_examples, train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def tell(stage, done, total):
    if stage == "train" and done == int(sys.argv[4]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    train(load_examples(sys.argv[1]), TrainConfig(model=sys.argv[2], out=sys.argv[3], max_steps=6, save_steps=2), tell)
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
def test_a_disk_that_fills_up_is_one_line_and_the_checkpoint_before_is_kept(
    tiny_llama: Path, tmp_path: Path, config: Make, rows: list[Example]
) -> None:
    # The kernel refuses every write past 4 KiB from step 3 on, as it would on a full disk.
    file, out = tmp_path / "rows.jsonl", tmp_path / "adapter"
    file.write_text("".join(json.dumps({"messages": row.messages}) + "\n" for row in rows))
    command = [sys.executable, "-c", FULL_DISK, str(file), str(tiny_llama), str(out), "3"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "The disk was full while saving" in said.stdout, said.stderr
    assert "--resume" in said.stdout and said.stdout.count("\n") == 1
    found = checkpoint(out)
    assert found is not None and found.name == "checkpoint-2"


def test_a_run_that_cannot_fit_on_the_disk_is_refused_before_training(tmp_path: Path) -> None:
    from finetune.run_folder import check_room

    with pytest.raises(OSError, match="GiB free; this run's checkpoints need about"):
        check_room(tmp_path, 1 << 60)
