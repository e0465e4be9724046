"""transformers' Trainer around the loop: checkpoints, resume, schedule, figures and stops as in every run.

A step of it is one round of sampling and learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import Trainer

from finetune.ppo.algorithms import Algorithm
from finetune.ppo.distance import Kept, TooFar
from finetune.ppo.loop import improve
from finetune.ppo.probe import try_longest
from finetune.ppo.prompts import Prompt
from finetune.ppo.rollout import Answers, Sampler
from finetune.ppo.settings import Settings
from finetune.ppo.value_head import ValueHead
from finetune.reference import Reference
from finetune.rewards import Reward
from finetune.told import Say

STATE = "policy_state.safetensors"  # beside a checkpoint's weights: what a step needs and an adapter does not


class PolicyTrainer(Trainer):
    """`prompts` are what `train_dataset` numbers; `rows` answers pass through the model at a time."""

    def __init__(
        self,
        *,
        prompts: Sequence[Prompt],
        settings: Settings,
        algorithm: Algorithm,
        reward: Reward,
        sampler: Sampler,
        rows: int,
        head_learning_rate: float,
        say: Say,
        **given: Any,
    ) -> None:
        super().__init__(
            train_dataset=[{"prompt": at} for at in range(len(prompts))],
            data_collator=_numbers,
            **given,
        )
        self.prompts, self.settings, self.algorithm = prompts, settings, algorithm
        self.reward, self.sampler, self.rows, self.say = reward, sampler, rows, say
        self.head_learning_rate = head_learning_rate
        self.pad_token_id = sampler.pad_token_id
        self.reference = Reference(self.model)  # before any checkpoint is loaded
        self.head: ValueHead | None = None
        if algorithm.has_values:
            self.head = ValueHead(self.policy.get_output_embeddings().weight.shape[-1]).to(self.args.device)
        self.kl_coefficient = settings.kl_coefficient
        self.kept = Kept()
        self.figures: dict[str, float] = {}
        self._tried = False

    @property
    def policy(self) -> Any:
        return self.model

    def texts(self, answers: Answers) -> list[str]:
        tokenizer: Any = self.processing_class
        texts: list[str] = tokenizer.batch_decode(answers.answers, skip_special_tokens=True)
        return texts

    def train(self, *args: Any, **options: Any) -> Any:
        """Ends at the last policy that was near enough where one went too far."""
        self._tried = False
        try:
            return super().train(*args, **options)
        except TooFar as far:
            self.kept.restore(self.model)
            self.state.global_step = self.kept.step
            self.say(f"{far}; the weights of step {self.kept.step} are kept")
            self.control = self.callback_handler.on_train_end(self.args, self.state, self.control)
            self.is_in_train = False
            return None

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        if not self._tried:
            try_longest(self)
            self._tried = True
        return improve(self, [self.prompts[at] for at in inputs["prompt"].tolist()])

    def check_distance(self, kl: float) -> None:
        """Raises TooFar for a policy that left the reference by more than is allowed; else remembers it."""
        allowed = self.settings.max_kl
        if not allowed:
            return
        if kl > allowed:
            raise TooFar(
                f"stopped in step {self.state.global_step + 1} of {self.state.max_steps}: answers are {kl:.3g} nats "
                f"from the start, more than --max-kl {allowed:g}"
            )
        self.kept = Kept.of(self.model, self.state.global_step)

    def take_step(self) -> None:
        """One optimizer step within a round. The last is the Trainer's own, after which those are told who count
        steps (AdaLoRA prunes by their number)."""
        self.accelerator.clip_grad_norm_(self.policy.parameters(), self.args.max_grad_norm)
        self.control = self.callback_handler.on_pre_optimizer_step(self.args, self.state, self.control)
        self.optimizer.step()  # type: ignore[union-attr]

    def clip_head(self) -> None:
        """Apart from the policy's gradient, whose share of the length it would otherwise take."""
        if self.head is not None and self.args.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.head.parameters(), self.args.max_grad_norm)

    def clear_gradients(self) -> None:
        self.policy.zero_grad()
        if self.head is not None:
            self.head.zero_grad()

    def tell(self, figures: dict[str, float], tokens: int) -> None:
        """Of the step that ends now."""
        self.figures = figures
        self.state.num_input_tokens_seen += tokens

    def log(self, logs: dict[str, float], *args: Any, **options: Any) -> None:
        super().log({**logs, **self.figures} if "loss" in logs else logs, *args, **options)

    def create_optimizer(self, model: Any = None) -> Any:
        fresh = self.optimizer is None
        optimizer = super().create_optimizer(model)
        if fresh and self.head is not None:
            group = {"params": list(self.head.parameters()), "lr": self.head_learning_rate}
            optimizer.add_param_group({**group, "weight_decay": 0.0})
        return optimizer

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        super().save_model(output_dir, _internal_call)
        save_file(self._state(), Path(output_dir or str(self.args.output_dir)) / STATE)

    def _state(self) -> dict[str, Tensor]:
        head = {} if self.head is None else self.head.state_dict()
        own = {f"head.{name}": value for name, value in head.items()}
        own["kl_coefficient"] = torch.tensor(self.kl_coefficient, dtype=torch.float64)
        own |= self.kept.state()
        return {name: value.detach().cpu().contiguous() for name, value in own.items()}

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        state = load_file(Path(resume_from_checkpoint) / STATE)
        self.kl_coefficient = float(state.pop("kl_coefficient"))
        self.kept = Kept.from_state(state)
        if self.head is not None:
            parts = {name.removeprefix("head."): v for name, v in state.items() if name.startswith("head.")}
            self.head.load_state_dict(parts)


def _numbers(rows: Sequence[dict[str, int]]) -> dict[str, Tensor]:
    return {"prompt": torch.tensor([row["prompt"] for row in rows])}
