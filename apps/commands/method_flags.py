"""The flags of `advisor train` that belong to single methods."""

from __future__ import annotations

import argparse


def add_method_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--lora-alpha", type=int, help="of LoRA: the update is scaled by alpha / rank")
    group.add_argument("--lora-dropout", type=float)
    group.add_argument("--lora-targets", metavar="NAMES", help="all-linear (default), or names with commas")
    group.add_argument("--adalora-target-rank", type=int, help="the mean rank that is left after pruning")
    group.add_argument("--oft-block", type=int, help="inputs that OFT rotates together")
    group.add_argument("--bottleneck", type=int, help="width of Houlsby's adapters")
    group.add_argument("--last-layers", type=int, help="how many layers from the top are trained")
    group.add_argument("--virtual-tokens", type=int, help="of soft prompts, prefixes and LLaMA-Adapter")
    group.add_argument("--prompt-start", help="of prompt tuning: vocabulary (default) or random")
    group.add_argument("--prompt-text", metavar="TEXT", help="words that prompt tuning starts from instead")
    group.add_argument("--prompt-encoder", help="of P-tuning: mlp (default) or lstm")
    group.add_argument("--prompt-hidden", type=int, help="width of the network of prefix and P-tuning")
    group.add_argument("--logistic-c", type=float, help="of features: inverse strength of the penalty")
    group.add_argument("--optimizer", metavar="NAME", help="a name of transformers' optim (adamw_8bit, ...)")
