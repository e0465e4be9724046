"""4-bit weights that stay as they were loaded, so that they can be evaluated and then trained."""

from __future__ import annotations

from typing import Any


def unpacked(model: Any) -> Any:
    """The model, whose 4-bit layers are not packed anew at their first evaluation.

    On processors with AVX512-BF16 bitsandbytes 0.50 packs them for inference; a backward pass over packed weights
    fails, and so do layers narrower than a block.
    """
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
    return model
