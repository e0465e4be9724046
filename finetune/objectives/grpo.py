"""GRPO (arXiv 2402.03300): sampled answers, rewarded and compared with the others to the same prompt."""

from __future__ import annotations

from finetune.ppo.job import prepare
from finetune.ppo.prompts import encode, load_tokenizer, longest, sequences, usable

# What an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]
