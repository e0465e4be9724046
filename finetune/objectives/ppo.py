"""PPO (arXiv 1707.06347): sampled answers, rewarded and compared with what a value head expected of them."""

from __future__ import annotations

from finetune.ppo.job import prepare
from finetune.ppo.prompts import encode, load_tokenizer, longest, sequences, usable

# What an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]
