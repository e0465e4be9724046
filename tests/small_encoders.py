"""Random two-layer encoders with tokenizers of the two kinds that readers have: words with segments, bytes without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = (
    "the a of in is was who what where when which how many found built owns painted lives keeps mill "
    "river bridge village north south tower clock miller baker smith anna boris clara david emil "
    "frida red blue green old new 1850 1901 bread iron wheat and near by not there cold deep hill "
    "stands it made from town for . , ?"
)
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


def bert(folder: Path, **shape: Any) -> Path:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: at for at, word in enumerate([*special, *WORDS.split()])}
    raw = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(
        zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True)
    )
    return _saved(folder, "bert", raw, names, ["input_ids", "token_type_ids", "attention_mask"], **shape)


def roberta(folder: Path, **shape: Any) -> Path:
    """Bytes as tokens; no segments, positions that begin behind the number of the filling."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    raw = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    names = {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "cls_token": "<s>",
    }
    tokens = {**names, "sep_token": "</s>", "mask_token": "<mask>"}
    shape = {"type_vocab_size": 1, "max_position_embeddings": 258, **shape}
    return _saved(folder, "roberta", raw, tokens, ["input_ids", "attention_mask"], **shape)


def _saved(folder: Path, kind: str, raw: Any, names: dict[str, str], inputs: list[str], **shape: Any) -> Path:
    import torch
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, model_input_names=inputs, **names)
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **{**SIZES, **shape}
    )
    torch.manual_seed(0)
    model = AutoModel.from_config(config, add_pooling_layer=False)
    with torch.no_grad():  # as narrow as fresh weights are, all tokens look alike
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.mul_(8)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
