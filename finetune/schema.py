"""The records that training reads and leaves: examples, settings, results and the card beside an adapter's
weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from finetune.defaults import defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One training row: a conversation whose assistant turns are the target (SFT), a text with a label
    (classification) or without one (continued pretraining), or a judged answer."""

    messages: tuple[dict[str, str], ...] = ()  # {"role": ..., "content": ...}
    text: str = ""
    label: str | None = None
    chosen: tuple[dict[str, str], ...] = ()  # the better of two endings of `messages`
    rejected: tuple[dict[str, str], ...] = ()
    thumb: bool | None = None  # whether the last answer of `messages` was liked
    question: str = ""  # what is looked for in passages
    positives: tuple[str, ...] = ()  # passages that answer `question`, for a search to learn from
    negatives: tuple[str, ...] = ()  # passages that do not, though they look like it
    context: str = ""  # the passage that `question` is about, for a reader to learn from
    answers: tuple[tuple[int, int], ...] = ()  # where in `context` they stand: first character, last + 1
    sources: tuple[str, ...] = ()  # documents that hold the answer, as an index names them
    split: str = "train"  # train, dev, test
    line: int = 0  # where it stood in its file, from 1


def _default(name: str) -> Any:
    """A number of defaults.toml, where its source stands."""
    return field(default_factory=lambda: defaults()["run"][name])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One run. None means the method's default, whose source stands beside it in methods/."""

    model: str  # local folder, hub name, or "minilm"
    out: str
    method: str = "lora"  # a key of METHODS
    objective: str = "sft"  # a key of OBJECTIVES
    adapter: str | None = None  # to go on from: its method and shape count; None = the base itself
    epochs: float = _default("epochs")
    max_steps: int | None = None
    learning_rate: float | None = None
    head_learning_rate: float | None = None  # of a classifier's head beside a body that is trained too
    batch_size: int = _default("batch_size")
    accumulation: int = 1
    max_length: int = _default("max_length")  # tokens; longer rows are cut and counted
    answers: str = "all"  # of a conversation, which are learned: all or last
    packing: bool = False  # several rows in one sequence, attention kept apart; "pretrain" always packs
    lora_rank: int = _default("lora_rank")
    lora_alpha: int = _default("lora_alpha")
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"  # or names of linear layers, with commas: "q_proj,v_proj"
    adalora_target_rank: int = 8  # the mean rank that is left; a run starts from one and a half times that
    oft_block: int = 32  # inputs that are rotated together
    bottleneck: int = 64  # width of Houlsby's adapters
    last_layers: int = 2  # how many are trained
    virtual_tokens: int = 20  # of soft prompts, prefixes and LLaMA-Adapter
    prompt_start: str = "vocabulary"  # of prompt tuning: vocabulary or random
    prompt_text: str | None = None  # words that prompt tuning starts from instead
    prompt_encoder: str = "mlp"  # of P-tuning: mlp or lstm
    prompt_hidden: int | None = None  # width of the network behind a prefix or P-tuning; None = the model's
    temperature: float = _default("temperature")  # of embed: what cosines are divided by
    negatives: int = _default("negatives")  # of embed: of each row, how many of those given a step takes
    question_tokens: int = _default("question_tokens")  # of embed: a longer question is cut
    both_directions: bool = False  # of embed: a passage also has to find its question
    beta: float = _default("beta")  # of dpo and kto: how dear it is to leave the reference
    preference_loss: str = "sigmoid"  # of dpo: sigmoid, ipo or rpo
    desirable_weight: float | None = None  # of kto: of liked answers; None = both kinds weigh the same in sum
    undesirable_weight: float | None = None
    # Of ppo and grpo; None = the objective's own, whose source stands in defaults.toml.
    reward: str | None = None  # what judges sampled answers: a reward model's folder or "module:function"
    answers_per_step: int | None = None  # sampled, judged and then learned from
    samples: int | None = None  # answers to each prompt among them
    answer_tokens: int | None = None  # of a sampled answer, or one that span_qa marks, at most
    inner_epochs: int | None = None  # how often a step goes through its answers
    minibatches: int | None = None  # optimizer steps of one time
    clip: float | None = (
        None  # how far a token's probability may move from where it was sampled: 1 - clip, 1 + clip
    )
    kl_coefficient: float | None = None  # how dear a step away from the start is; of ppo what it begins with
    kl_target: float | None = None  # of ppo: nats per answer that the coefficient is moved for; 0 = it stays
    kl_horizon: float | None = None  # of ppo: steps in which it follows
    max_kl: float | None = None  # nats per answer from the start at which a run stops; 0 = never
    gamma: float | None = None  # of ppo: how much less a reward counts one token later
    gae_lambda: float | None = None  # of ppo: 1 looks to the answer's end, 0 to the next value alone
    value_clip: float | None = None  # of ppo: how far a value may move in one step
    value_weight: float | None = None  # of ppo: of the value head's loss beside the policy's
    eos_penalty: float | None = None  # taken off the reward of an answer that did not end by itself
    reward_scaling: str | None = None  # none, standard (scores of a step), whiten (of ppo: rewards of tokens)
    logistic_c: float = 1.0  # of features: inverse strength of the penalty, scikit-learn's default
    optimizer: str | None = None  # a name of transformers' optim; None = AdamW, paged for qlora on a card
    warmup_share: float = _default("warmup_share")
    gradient_checkpointing: bool | None = None
    save_steps: int = 50
    eval_steps: int | None = None  # steps between two scorings of the held-out rows
    patience: int = _default("patience")  # scorings without a gain before a run stops early; 0 = never
    stop_on: str = "loss"  # what a scoring looks at: loss; of a classifier also accuracy, macro_f1
    metric_rows: int = _default("metric_rows")  # held-out questions answered before and after; 0 = none
    general: str | None = None  # a file of general rows in place of the shipped ones; "none" = no such check
    max_forgetting: float | None = None  # nats per token that the loss on general rows may rise
    replay: float = 0.0  # share of general rows among those that are learned
    report_to: tuple[str, ...] = ()  # tensorboard, wandb, mlflow, ...: by transformers' names
    allow: tuple[str, ...] = ()  # findings of the data report that may not stop the run
    seed: int = 42
    resume: bool = False  # go on from the last complete checkpoint
    overwrite: bool = False  # replace a finished or interrupted run at `out`


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Memory of a run's largest step in GiB, as foretold: the likeliest figure and its interval."""

    gib: float
    low_gib: float
    high_gib: float
    of: str = ""  # what it counts: "allocated on the card", "the process"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCard:
    """What an adapter is and where it came from; stored as adapter_card.json beside the weights."""

    base_model: str
    base_hash: str  # of the base's config and weights
    method: str
    objective: str
    trainable_params: int
    total_params: int
    rows: int
    data_hash: str
    metrics_before: dict[str, float]
    metrics_after: dict[str, float]
    config: dict[str, Any]
    libraries: dict[str, str]
    created: str  # ISO 8601, UTC
    labels: tuple[str, ...] = ()
    merged: bool = False  # into its base: the folder holds a whole model
    gains: dict[str, dict[str, float]] = field(
        default_factory=dict
    )  # metric -> before, after, low, high, ...
    forgetting: dict[str, Any] = field(default_factory=dict)  # scores on general rows, before and after
    memory: dict[str, Any] = field(default_factory=dict)  # GiB at the peak: predicted, low, high, measured
    stopped: dict[str, Any] = field(default_factory=dict)  # early, and which step's weights were kept
    processes: int = 1  # that made the run; each took batches of its own
    started_from: dict[str, str] = field(
        default_factory=dict
    )  # an adapter: path, weights (their hash), objective
    set_aside: str = ""  # why a finished adapter was not put where it was asked for
    made_from: dict[str, Any] = field(default_factory=dict)  # how its rows were made


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a run left: the folder, its card, the loss of each logged step and what was cut or dropped.

    Where `card.set_aside` says a reason, `path` is not the `out` that was asked for.
    """

    path: str
    card: AdapterCard
    seconds: float
    steps: int
    losses: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)  # "3 rows cut at 1024 tokens"
