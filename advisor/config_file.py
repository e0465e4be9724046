"""Opens a Hugging Face config.json: finds the language tower, knows what families call things, refuses what is no
text transformer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What is read -> the names that families give it, the commonest first.
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", "kv_n_heads"),
    "intermediate": (
        "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "inner_hidden_size", "hidden_dim",
        "dim_feedforward", "d_ff",
    ),
    "vocab": ("vocab_size", "padded_vocab_size"),
    "head_dim": ("head_dim", "kv_channels", "attention_head_dim", "d_kv"),
    "context": (
        "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
        "max_sequence_length", "n_ctx",
    ),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "experts_per_token": ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k"),
}  # fmt: skip
_LANGUAGE_TOWERS = ("text_config", "llm_config", "language_config", "thinker_config")
# A nested tower may leave out what equals its class's default (transformers 5.23, configuration_<family>.py).
_TOWER_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208,
        "num_hidden_layers": 26, "hidden_size": 2304, "intermediate_size": 9216,
        "max_position_embeddings": 131072, "sliding_window": 4096,
    },
    "llama": {
        "num_attention_heads": 32, "num_hidden_layers": 32, "hidden_size": 4096,
        "intermediate_size": 11008, "vocab_size": 32000, "max_position_embeddings": 2048,
    },
    "mistral": {
        "num_attention_heads": 32, "num_key_value_heads": 8, "num_hidden_layers": 32, "hidden_size": 4096,
        "intermediate_size": 14336, "vocab_size": 32000, "max_position_embeddings": 131072,
    },
}  # fmt: skip
_STATE_SPACE = (
    "mamba", "rwkv", "jamba", "zamba", "recurrent_gemma", "falcon_h1", "falcon_mamba", "nemotron_h", "lfm2",
    "xlstm", "granitemoehybrid", "qwen3_next", "bamba", "kimi_linear", "minimax", "plamo2", "retnet", "hyena",
)  # fmt: skip
_STATE_SPACE_KEYS = (
    "ssm_cfg",
    "state_size",
    "mamba_d_state",
    "mamba_n_heads",
    "d_state",
    "time_mix_extra_dim",
)
_WANTED = "give the config.json of a text transformer, an encoder or a decoder"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The content of a config.json and where it stands, for error messages."""

    content: Mapping[str, Any]
    where: str

    @property
    def family(self) -> str:
        name = str(self.content.get("model_type") or "")
        return "falcon" if name.startswith("RefinedWeb") else name  # Falcon before transformers knew it

    def find(self, what: str) -> int | None:
        """The first of the names of `what` that holds a whole number."""
        found = (self.content.get(name) for name in _NAMES[what])
        return next(
            (value for value in found if isinstance(value, int) and not isinstance(value, bool)), None
        )

    def need(self, what: str) -> int:
        """As `find`; ValueError naming the file and the accepted names where none holds a positive number."""
        value = self.find(what)
        if value is None:
            first, *others = _NAMES[what]
            raise ValueError(f"{self.where} lacks {first!r} (also read: {', '.join(others)}); {_WANTED}.")
        if value < 1:
            raise ValueError(f"{self.where} says {value} for its {what}; at least 1 is needed.")
        return value

    def says(self, *names: str, default: Any = None) -> Any:
        """The first of `names` that is stated and not null."""
        found = (self.content.get(name) for name in names)
        return next((value for value in found if value is not None), default)


def open_config(config: str | Path | Mapping[str, Any]) -> ConfigFile:
    """A config.json by path, folder or content; of a model that also sees or hears, its language tower."""
    where = "config.json"
    if isinstance(config, Mapping):
        content = config
    else:
        path = Path(config)
        path = path / "config.json" if path.is_dir() else path
        content, where = _load(path), str(path)
    _refuse(content, where)
    tower = _language_tower(content)
    _refuse(tower, where)
    return ConfigFile(tower, where)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no JSON ({error}); give a Hugging Face config.json.") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object; give a Hugging Face config.json.")
    return content


def _refuse(config: Mapping[str, Any], where: str) -> None:
    """What has other parts than attention and feed-forward layers in a single stack."""
    kind = str(config.get("model_type") or "")
    if "_diffusers_version" in config or "_class_name" in config:
        raise ValueError(f"{where} describes a diffusion model ({config.get('_class_name')}); {_WANTED}.")
    if kind.startswith(_STATE_SPACE) or any(key in config for key in _STATE_SPACE_KEYS):
        raise ValueError(f"{where} describes a model with state-space layers ({kind}); {_WANTED}.")
    if config.get("is_encoder_decoder") or "decoder_layers" in config or "num_decoder_layers" in config:
        raise ValueError(f"{where} describes an encoder-decoder ({kind or 'no model_type'}); {_WANTED}.")


def _language_tower(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in _LANGUAGE_TOWERS:
        tower = config.get(key)
        if isinstance(tower, dict):
            outer = {
                name: config[name] for name in ("tie_word_embeddings", "_name_or_path") if name in config
            }
            kind = str(tower.get("model_type") or "llama")
            return _language_tower({**_TOWER_DEFAULTS.get(kind, {}), **outer, "model_type": kind, **tower})
    return config
