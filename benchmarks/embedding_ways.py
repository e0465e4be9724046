"""Ways to embed with MiniLM that embedding_speed.py compares; each loads its model and gives a function of texts.

The last two are the project's own embedders, by their names: fp32 and int8 on ONNX Runtime.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rag.batches import make_batches, physical_cores
from rag.embed import load_embedder
from rag.encoders import read_tokenizer, unit
from rag.weights import minilm_folder

Embed = Callable[[Sequence[str]], Any]
_LIMIT, _BUDGET = 256, 4096  # tokens of a text with the special ones, and of a padded batch


def sentence_transformers() -> Embed:
    """As most programs call it: batches of 32, sorted by characters, fp32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(minilm_folder()), local_files_only=True, device="cpu")
    return lambda texts: model.encode(list(texts), batch_size=32, normalize_embeddings=True)


def torch_bert(dtype: str) -> Callable[[], Embed]:
    """The BERT alone, batches sorted by tokens, in fp32 or bf16."""

    def load() -> Embed:
        import torch
        from transformers.models.bert.modeling_bert import BertModel

        model = (
            BertModel.from_pretrained(minilm_folder(), local_files_only=True).to(getattr(torch, dtype)).eval()
        )

        def states(ids: Any, mask: Any) -> Any:
            with torch.inference_mode():
                found = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            return found.last_hidden_state.float().numpy()

        return _padded(states)

    return load


def openvino(precision: str) -> Callable[[], Embed]:
    """OpenVINO with the precision of its products; bf16 is what it takes by itself where a processor has AMX."""

    def load() -> Embed:
        import openvino as ov
        import torch
        from transformers.models.bert.modeling_bert import BertModel

        bert = BertModel.from_pretrained(minilm_folder(), local_files_only=True).eval()
        example = {name: torch.ones((2, 8), dtype=torch.int64) for name in ("input_ids", "attention_mask")}
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": physical_cores()}
        model = ov.compile_model(ov.convert_model(bert, example_input=example), "CPU", options)
        return _padded(lambda ids, mask: model({"input_ids": ids, "attention_mask": mask})[0])

    return load


def ours(name: str) -> Callable[[], Embed]:
    return lambda: load_embedder(name).embed


WAYS: dict[str, Callable[[], Embed]] = {
    "sentence-transformers fp32": sentence_transformers,
    "torch BERT fp32": torch_bert("float32"),
    "torch BERT bf16": torch_bert("bfloat16"),
    "OpenVINO fp32": openvino("f32"),
    "OpenVINO bf16": openvino("bf16"),
    "minilm-fp32": ours("minilm-fp32"),
    "minilm": ours("minilm"),
}


def forbid_amx() -> Any:
    """Keep this process from AMX: Linux refuses the permission where a signal stack is too small for its registers.

    What is returned must be kept; call it before a library for arithmetic is loaded.
    """

    class Stack(ctypes.Structure):
        _fields_ = [("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

    memory = ctypes.create_string_buffer(5120)
    stack = Stack(ctypes.cast(memory, ctypes.c_void_p), 0, 5120)
    if sys.platform != "linux" or ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None):
        raise SystemExit("--without-amx works on Linux only; leave it out.")
    return memory


def _padded(states: Callable[[Any, Any], Any]) -> Embed:
    tokenizer = read_tokenizer(minilm_folder())
    tokenizer.enable_truncation(_LIMIT)
    tokenizer.enable_padding()

    def embed(texts: Sequence[str]) -> Any:
        lengths = [sum(found.attention_mask) for found in tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        for batch in make_batches(lengths, _BUDGET, pads=True):
            encoded = tokenizer.encode_batch([texts[place] for place in batch])
            ids, mask = (
                np.array([getattr(one, key) for one in encoded]) for key in ("ids", "attention_mask")
            )
            weight = mask[..., None].astype(np.float32)
            vectors[batch] = (states(ids, mask) * weight).sum(1) / weight.sum(1)
        return unit(vectors)

    return embed
