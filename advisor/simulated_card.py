"""Makes torch on fake CPU tensors choose the operators of a CUDA card: what stays alive depends on them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

_HALVES = (torch.bfloat16, torch.float16)


class CudaRules(TorchFunctionMode):
    """Redirects the functions whose CUDA operators keep other tensors than their CPU operators do."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _ON_CUDA.get(func, func)(*args, **(kwargs or {}))


# Without re-entrance, as transformers checkpoints by default. Function modes rest inside backward(), so recomputing
# enters the rules again; the random state is not kept, since fake tensors have none.
CHECKPOINT: dict[str, Any] = {
    "use_reentrant": False,
    "preserve_rng_state": False,
    "context_fn": lambda: (nullcontext(), CudaRules()),
}


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """The kernel that CUDA takes: flash for 16 bits without a mask, else memory-efficient, else (fp32 GQA) plain."""
    query, key, value = (_lowered(tensor) for tensor in (query, key, value))
    width = query.shape[-1]
    if attn_mask is None and query.dtype in _HALVES and width == value.shape[-1] <= 256:
        return _flash(query, key, value, dropout_p, is_causal, scale or width**-0.5)
    if enable_gqa and query.shape[1] != key.shape[1]:  # the memory-efficient kernel takes no grouped heads
        plain = torch.ops.aten._scaled_dot_product_attention_math
        return plain(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=True)[0]  # type: ignore[no-any-return]
    bias = None if attn_mask is None else _additive(attn_mask, query, key)
    efficient = torch.ops.aten._scaled_dot_product_efficient_attention
    return efficient(query, key, value, bias, True, dropout_p, is_causal, scale=scale)[0]  # type: ignore[no-any-return]


def flash_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls where flash-attn is installed: windows and soft caps cost no mask."""
    query, key, value = (_lowered(tensor) for tensor in (query, key, value))
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    out = _flash(query, key, value, dropout, causal, scaling or query.shape[-1] ** -0.5)
    return out.transpose(1, 2).contiguous(), None


def _flash(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool, scale: float
) -> torch.Tensor:
    width = query.shape[-1]
    if width % 8:  # torch pads heads to a multiple of 8
        query, key, value = (F.pad(tensor, (0, -width % 8)) for tensor in (query, key, value))
    flash = torch.ops.aten._scaled_dot_product_flash_attention
    return flash(query, key, value, dropout, causal, scale=scale)[0][..., :width]  # type: ignore[no-any-return]


def _additive(mask: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """The memory-efficient kernel adds its mask: a boolean one becomes zeros and -inf, in 16 columns' steps."""
    if mask.dtype == torch.bool:
        zero = torch.zeros((), dtype=query.dtype)
        mask = torch.where(mask, zero, torch.full((), float("-inf"), dtype=query.dtype))
    if mask.shape[-1] % 16:
        mask = F.pad(mask, (0, -mask.shape[-1] % 16))[..., : key.shape[-2]]
    return mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])


def _lowered(tensor: torch.Tensor) -> torch.Tensor:
    """Attention is on autocast's list of 16-bit functions, on the CPU as on CUDA."""
    if torch.is_autocast_enabled("cpu") and tensor.dtype == torch.float32:
        return tensor.to(torch.get_autocast_dtype("cpu"))
    return tensor


def _dropout(
    input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> torch.Tensor:
    """CUDA keeps a mask of one byte; the CPU would keep the scaled noise."""
    return torch.native_dropout(input, p, True)[0] if training and p > 0 else input


def _in_fp32(func: Callable[..., Any]) -> Callable[..., Any]:
    """CUDA's autocast runs these in fp32, the CPU's does not (docs.pytorch.org, automatic mixed precision)."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            args, kwargs = tree_map(_raised, (args, kwargs))
        return func(*args, **kwargs)

    return run


def _raised(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in _HALVES else value


_FP32 = (
    F.layer_norm, torch.layer_norm, F.group_norm, F.softmax, torch.softmax, torch.Tensor.softmax, F.log_softmax,
    torch.log_softmax, torch.Tensor.log_softmax, F.cross_entropy, F.nll_loss, F.softplus, F.mse_loss,
    torch.pow, torch.Tensor.pow, torch.Tensor.__pow__, torch.rsqrt, torch.Tensor.rsqrt, torch.exp, torch.Tensor.exp,
)  # fmt: skip
_ON_CUDA: dict[Any, Callable[..., Any]] = {
    F.scaled_dot_product_attention: scaled_dot_product_attention,
    F.dropout: _dropout,
    **{func: _in_fp32(func) for func in _FP32},
}
