"""Chat formats that models publish, each written here from its description, with a small tokenizer that has its
special tokens; and how a talk must be masked in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Refund window?"},
    {"role": "assistant", "content": "Thirty days."},
    {"role": "user", "content": "营业时间？"},
    {"role": "assistant", "content": "九点到五点。"},
]


@dataclass(frozen=True)
class ChatFormat:
    template: str
    special: tuple[str, ...]
    eos: str
    bos: str | None = None
    end: str = ""  # what closes an answer
    before: str = ""  # what stands between the prompt and an answer, and is learned with it
    golden: tuple[str, ...] = ()  # TALK in rows; what is learned stands in «»
    folds_system: bool = False
    trims: bool = False


_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_QWEN25 = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    + _CHATML
)
# Only the turn after the last question keeps its thinking, an empty one if it has none; the prompt holds the empty
# one if the model is told not to think.
_QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last and '</think>' not in m.content %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content if loop.last else m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
_LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_PHI3 = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
)
# The system text moves to the last question.
_MISTRAL = (
    "{{ bos_token }}{% set asked = messages | selectattr('role', 'equalto', 'user') | list %}"
    "{% for m in messages %}{% if m.role == 'user' %}[INST] "
    "{% if m is sameas asked[-1] and messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}"
    "{{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content | trim }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)

_HEAD = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nRefund window?<|im_end|>\n<|im_start|>assistant\n"
_LATER = "<|im_start|>user\n营业时间？<|im_end|>\n<|im_start|>assistant\n"
_NO_THOUGHT = "<think>\n\n</think>\n\n"
_CHATML_ROW = f"{_HEAD}«Thirty days.<|im_end|>»\n{_LATER}«九点到五点。<|im_end|>»"

FORMATS = {
    "chatml": ChatFormat(
        template=_CHATML,
        special=("<|im_start|>", "<|im_end|>"),
        eos="<|im_end|>",
        end="<|im_end|>",
        golden=(_CHATML_ROW,),
    ),
    "qwen2.5": ChatFormat(
        template=_QWEN25,
        special=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        eos="<|im_end|>",
        end="<|im_end|>",
        golden=(_CHATML_ROW,),
    ),
    "qwen3": ChatFormat(
        template=_QWEN3,
        special=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        eos="<|im_end|>",
        end="<|im_end|>",
        golden=(
            f"{_HEAD}{_NO_THOUGHT}«Thirty days.<|im_end|>»",
            f"{_HEAD}Thirty days.<|im_end|>\n{_LATER}{_NO_THOUGHT}«九点到五点。<|im_end|>»",
        ),
    ),
    "llama3": ChatFormat(
        template=_LLAMA3,
        special=("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        end="<|eot_id|>",
        trims=True,
        golden=(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nRefund window?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n«Thirty days.<|eot_id|>»"
            "<|start_header_id|>user<|end_header_id|>\n\n营业时间？<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n«九点到五点。<|eot_id|>»",
        ),
    ),
    "gemma": ChatFormat(
        template=_GEMMA,
        special=("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        bos="<bos>",
        eos="<eos>",
        end="<end_of_turn>",
        folds_system=True,
        trims=True,
        golden=(
            "<bos><start_of_turn>user\nBe brief.\n\nRefund window?<end_of_turn>\n"
            "<start_of_turn>model\n«Thirty days.<end_of_turn>»\n"
            "<start_of_turn>user\n营业时间？<end_of_turn>\n<start_of_turn>model\n«九点到五点。<end_of_turn>»",
        ),
    ),
    "phi3": ChatFormat(
        template=_PHI3,
        special=("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        eos="<|endoftext|>",
        end="<|end|>",
        golden=(
            "<|system|>\nBe brief.<|end|>\n<|user|>\nRefund window?<|end|>\n"
            "<|assistant|>\n«Thirty days.<|end|>»\n<|user|>\n营业时间？<|end|>\n<|assistant|>\n«九点到五点。<|end|>»",
        ),
    ),
    "mistral": ChatFormat(
        template=_MISTRAL,
        special=("<s>", "</s>", "[INST]", "[/INST]"),
        bos="<s>",
        eos="</s>",
        end="</s>",
        before=" ",
        trims=True,
        golden=(
            "<s>[INST] Be brief.\n\nRefund window?[/INST]« Thirty days.</s>»",
            "<s>[INST] Refund window?[/INST] Thirty days.</s>"
            "[INST] Be brief.\n\n营业时间？[/INST]« 九点到五点。</s>»",
        ),
    ),
}


@cache
def tokenizer_of(name: str) -> Any:
    """A byte-level tokenizer that writes any text, with the format's special tokens and template."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    chosen = FORMATS[name]
    raw = Tokenizer(models.BPE())
    # As in these families, line breaks are words of their own, whatever follows them.
    words = pre_tokenizers.Split(Regex(r"\n+| ?[^\s]+|[^\S\n]+"), "isolated")
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.pre_tokenizer = pre_tokenizers.Sequence([words, bytes_of])
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=list(chosen.special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    raw.train_from_iterator(["Thirty days of refund window.\n\n", "退款期限为三十天。"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=chosen.eos, bos_token=chosen.bos, pad_token=chosen.special[0]
    )
    tokenizer.chat_template = chosen.template
    return tokenizer
