"""The flags of `advisor train` that belong to learning from preferences."""

from __future__ import annotations

import argparse


def add_alignment_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--adapter", metavar="FOLDER", help="go on from this adapter (default: from the base)")
    group.add_argument("--beta", type=float, help="of dpo and kto: how dear it is to leave the reference")
    group.add_argument(
        "--preference-loss",
        metavar="NAME",
        help="of dpo: sigmoid (default), ipo, or rpo (the better answer's own loss beside it)",
    )
    group.add_argument(
        "--desirable-weight", type=float, help="of kto: of liked answers (default: balanced by their number)"
    )
    group.add_argument("--undesirable-weight", type=float, help="of kto: of disliked answers")


def add_sampling_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--reward",
        metavar="WHAT",
        help="what judges sampled answers: a reward model's folder or module:function",
    )
    group.add_argument("--answers-per-step", type=int, help="sampled, judged and learned from (default: 32)")
    group.add_argument("--samples", type=int, help="answers to each prompt (default: 1, of grpo 8)")
    group.add_argument("--answer-tokens", type=int, help="of a sampled answer at most (default: 128)")
    group.add_argument("--inner-epochs", type=int, help="passes over the answers of a step")
    group.add_argument("--minibatches", type=int, help="optimizer steps of one pass")
    group.add_argument("--clip", type=float, help="how far a token's probability may move in a step")
    group.add_argument("--kl-coefficient", type=float, help="how dear it is to leave the start")
    group.add_argument(
        "--kl-target", type=float, metavar="NATS", help="of ppo: per answer; 0 = fixed coefficient"
    )
    group.add_argument(
        "--kl-horizon", type=float, metavar="STEPS", help="of ppo: in which the KL is followed"
    )
    group.add_argument(
        "--max-kl", type=float, metavar="NATS", help="stop at the last policy nearer than this"
    )
    group.add_argument("--gamma", type=float, help="of ppo: discount of later rewards")
    group.add_argument("--gae-lambda", type=float, help="of ppo: 1 looks to the end, 0 to the next value")
    group.add_argument("--value-clip", type=float, help="of ppo: how far a value may move in a step")
    group.add_argument("--value-weight", type=float, help="of ppo: of the value head's loss")
    group.add_argument("--eos-penalty", type=float, help="off the reward of an answer that did not end")
    group.add_argument("--reward-scaling", help="none (default), standard, or of ppo whiten")
