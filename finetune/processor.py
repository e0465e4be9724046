"""Whether a processor trains in bf16: where it multiplies so by itself, and the model is wide enough to gain."""

from __future__ import annotations

from pathlib import Path

from finetune.defaults import defaults
from finetune.schema import TrainConfig
from finetune.weights import model_config


def trains_in_bf16(config: TrainConfig, folder: Path) -> bool:
    """For a base that writes and stays as it is; never beside a card, which has rules of its own."""
    import torch

    chosen = defaults()["processor"]
    if config.objective not in chosen["bf16_objectives"] or config.method not in chosen["bf16_methods"]:
        return False
    if torch.cuda.is_available() or not _multiplies_bf16():
        return False
    width = model_config(folder).get("hidden_size")
    return isinstance(width, int) and width >= int(chosen["bf16_width"])


def mixes_formats(config: TrainConfig, folder: Path) -> bool:
    """For an encoder in fp32: whether its matrix products are made in bf16; never beside a card."""
    import torch

    chosen = defaults()["processor"]
    if config.objective not in chosen["mixed_objectives"]:
        return False
    if config.method == "qlora":  # 4 bits have products of their own
        return False
    if torch.cuda.is_available() or not _multiplies_bf16():
        return False
    width = model_config(folder).get("hidden_size")
    return isinstance(width, int) and width >= int(chosen["mixed_width"])


def _multiplies_bf16() -> bool:
    """AMX: by AVX-512 alone bf16 is hardly faster than fp32."""
    import torch

    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)  # PyTorch before 2.5 cannot tell
    return bool(supported and supported())
