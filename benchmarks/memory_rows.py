"""Estimates against memory that others measured: 180 rows of public tables, beside what accelerate would say.

Needs ../shared/facts/vram_measured.csv. A field that a row does not state keeps the estimate's default; what the notes
of a source imply is written down once, in `implied`, with its reason. `--write` puts the table into RESULTS.md.
"""

from __future__ import annotations

import argparse
import csv
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from results import RESULTS, machine, replace_section

from advisor import MemoryEstimate, ModelSpec, ServeSetup, TrainSetup, estimate_memory
from advisor.shape import count_parameters, resolved

MEASURED = Path(__file__).parents[2] / "shared" / "facts" / "vram_measured.csv"
GIB = 2.0**30
TITLE = "Memory against measured rows"
CARDS_GIB = (8, 12, 16, 24, 32, 40, 48, 80)
_METHODS = {
    "adapter": "llama_adapter",
    "adapter_v2": "llama_adapter_v2",
    "prefix_tuning": "prefix",
    "prompt_tuning": "prompt",
    "lora-fa": "lora_fa",
}
_DTYPES = {"gptq-int4": "gptq"}
_OPTIMIZERS = {"paged_adamw_8bit": "paged_8bit", "lora-fa": "adamw"}
_READINGS = {"allocated": "allocated_gib", "active": "allocated_gib", "reserved": "reserved_gib"}


@dataclass(frozen=True)
class Row:
    """One measurement: what was measured in GiB, what the estimate says of the same reading, and its interval."""

    id: str
    group: str
    measured_gib: float
    estimate: MemoryEstimate
    reading: str
    accelerate_gib: float

    @property
    def error(self) -> float:
        return float(getattr(self.estimate, self.reading)) / self.measured_gib - 1

    @property
    def covered(self) -> bool:
        return self.estimate.low_gib <= self.measured_gib <= self.estimate.high_gib

    @property
    def overfits(self) -> bool:
        """Whether a card is said to be large enough that the run was measured not to fit."""
        return any(self.estimate.high_gib <= card < self.measured_gib for card in CARDS_GIB)


def read_rows(kind: str = "training", path: Path = MEASURED) -> list[Row]:
    """Single-card rows of tiers A and B: all that train, or all that only hold or run a model.

    Two rows of training state no length of their rows, without which there is no estimate; they are left out.
    """
    wanted = kind == "training"
    rows = []
    with path.open(encoding="utf-8") as file:
        for raw in csv.DictReader(file):
            if re.match(r"tier=[AB]; gpus=1;", raw["notes"]) is None:
                continue
            trains = raw["method"] not in ("inference", "load-only")
            if trains == wanted and (raw["seq_len"] or not trains):
                rows.append(_row(raw))
    return rows


def _row(raw: dict[str, str]) -> Row:
    model = model_of(raw)
    setup: Any = (
        train_setup_of(raw) if raw["method"] not in ("inference", "load-only") else serve_setup_of(raw)
    )
    unit, reading = raw["gb_kind"].split("/")
    value = float(raw["measured_gb"]) * (1 if unit == "GiB" else 1e9 / GIB)  # a bare "G" is taken for GB
    source = raw["id"].rsplit("-", 1)[0]
    return Row(
        id=raw["id"],
        group=" ".join(
            (
                source,
                raw["method"],
                raw["weight_dtype"],
                *(["+ embeddings"] * ("+emb" in raw["lora_targets"])),
            )
        ),
        measured_gib=value,
        estimate=estimate_memory(model, setup),
        reading=_READINGS.get(reading, "device_gib"),
        accelerate_gib=accelerate_estimate(model, setup),
    )


def model_of(raw: dict[str, str]) -> ModelSpec:
    """The estimate itself finds out from the stated size whether embeddings are tied and the MLP is gated."""
    names = ("layers", "hidden", "intermediate", "heads", "kv_heads", "vocab")
    numbers = {name: int(raw[name]) for name in names}
    model = resolved(ModelSpec(name=raw["model"], params_b=float(raw["params_b"]), **numbers))
    if raw["id"].startswith("litgpt"):  # projects q, k and v by one linear, whatever the model
        return replace(model, family="internlm2" if model.gated_mlp else "gpt_neox")
    return replace(model, family="qwen" if raw["id"].startswith("qwen") else "")


def train_setup_of(raw: dict[str, str]) -> TrainSetup:
    stated: dict[str, Any] = {
        "method": _METHODS.get(raw["method"], raw["method"]),
        "weight_dtype": _DTYPES.get(raw["weight_dtype"], raw["weight_dtype"]),
        "optimizer": _OPTIMIZERS.get(raw["optimizer"], raw["optimizer"]),
        "batch_size": int(raw["batch"]),
        "seq_len": int(raw["seq_len"]),
        "gradient_checkpointing": raw["grad_ckpt"] == "true",
        "attention": {"flash2": "flash"}.get(raw["attention"], raw["attention"]),
        "kbit_upcast": False,  # none of these runs went through peft's preparation of a bitsandbytes model
    }
    if raw["lora_rank"]:
        stated["lora_rank"] = int(raw["lora_rank"])
    targets = raw["lora_targets"].replace("norms", "")
    stated["lora_targets"] = "all-linear" if "c_attn" in targets else targets or "all-linear"
    if "+embeddings" in targets:
        stated["trained_modules"] = "embed,head"
    return TrainSetup(**(stated | implied(raw)))


def implied(raw: dict[str, str]) -> dict[str, Any]:
    """What the notes of a source say beyond the columns of the table."""
    notes, fields = raw["notes"], {}
    if raw["optimizer"] == "adamw" and not raw["id"].startswith("ttune"):
        fields["optimizer"] = (
            "adamw_foreach"  # torch's own default; torchtune's recipes ask for the fused kernel
        )
    if "bf16" in notes and ("LoRA weights in bf16" in notes or "adapters bf16" in notes):
        fields["adapter_dtype"] = "bf16"
    if raw["id"].startswith(
        "litgpt"
    ):  # its script: dropout .05, bf16 logits kept in pieces, bitsandbytes 0.41
        fields |= {"loss_kernel": "chunked_logits", "loss_dtype": "16bit"}
        fields |= {"lora_dropout": 0.05, "kbit_saves_inputs": True}
    elif "chunked" in notes or raw["id"] in ("ttune-014", "ttune-015", "ttune-016", "ttune-018"):
        fields["loss_kernel"] = "chunked"  # flags of these rows add up: "previous + ..."
    if raw["id"].startswith("ttune") and raw["method"] != "full":
        fields["adapter_dtype"] = "bf16"  # torchtune keeps adapters in the dtype of the model
    if "optimizer_in_bwd" in notes or raw["id"] in ("ttune-015", "ttune-016"):
        fields["optimizer_in_backward"] = True
    if "offloading" in notes or raw["id"] in ("ttune-016", "ttune-018"):
        fields["offload_activations"] = True
    if raw["id"].startswith("peft-mm"):
        fields |= {
            "autocast": False,
            "virtual_tokens": 200,
        }  # its default: no AMP; 200 from the trainable counts
    if "grad accumulation 8" in notes:
        fields["accumulation"] = 8
    if "DeepSpeed" in notes:  # keeps the model, and so this model's loss, in 16 bits
        fields |= {"sharding": "zero2", "loss_dtype": "16bit"}
    return fields


def serve_setup_of(raw: dict[str, str]) -> ServeSetup:
    """A short prompt and 50 new tokens, or nothing but the weights."""
    tokens = 128 if raw["method"] == "inference" else 1
    return ServeSetup(weight_dtype=raw["weight_dtype"], context_tokens=tokens)  # type: ignore[arg-type]


def accelerate_estimate(model: ModelSpec, setup: TrainSetup | ServeSetup) -> float:
    """What `accelerate estimate-memory` prints for a model of this size: it knows no adapters and no activations."""
    from accelerate.commands.estimate import estimate_training_usage

    width = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.0}.get(setup.weight_dtype, 0.5)
    total = count_parameters(model).total
    if isinstance(setup, ServeSetup):
        return total * width / GIB
    if width < 2:  # it multiplies the quantised size by four
        return 4 * total * width / GIB
    stages = estimate_training_usage(total * 4, "bfloat16" if width == 2 else "float32")
    return max(stages.values()) / GIB


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def summary(rows: list[Row]) -> dict[str, float]:
    errors = [abs(row.error) for row in rows]
    peer = [abs(row.accelerate_gib / row.measured_gib - 1) for row in rows]
    return {
        "rows": len(rows),
        "median": statistics.median(errors),
        "mean": statistics.mean(errors),
        "p90": percentile(errors, 0.9),
        "covered": sum(row.covered for row in rows) / len(rows),
        "said to fit and did not": sum(row.overfits for row in rows),
        "accelerate": statistics.median(peer),
    }


def _groups(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.group].append(row)
    yield from grouped.items()


def _lines(title: str, rows: list[Row]) -> list[str]:
    def percent(value: float) -> str:
        return f"{100 * value:.1f} %"

    lines = [f"{title}:", "", "| rows | n | median error | largest | covered | accelerate's median error |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for name, some in [*_groups(rows), ("**all**", rows)]:
        found = summary(some)
        worst = max((row.error for row in some), key=abs)
        lines.append(
            f"| {name} | {len(some)} | {percent(found['median'])} | {100 * worst:+.1f} % | "
            f"{percent(found['covered'])} | {percent(found['accelerate'])} |"
        )
    found = summary(rows)
    lines += ["", f"Mean error {percent(found['mean'])}, 90th percentile {percent(found['p90'])}; rows measured over a "
              f"card's size and said to fit it: {found['said to fit and did not']:.0f}.", ""]  # fmt: skip
    return lines


def report() -> str:
    lines = [
        "Public tables of measured memory, single card, tiers A and B; an estimate is compared with the reading that",
        "the table gives (allocated, reserved, or the device where it does not say). No constant was fitted to them.",
        "What a table implies beside its columns is in `implied` of the script. `accelerate estimate-memory` prints a",
        "figure for full tuning with Adam, or for the weights alone; it knows neither adapters, quantised training nor",
        "activations. Two rows of training that state no sequence length are left out.",
        "",
        *_lines("Training", read_rows("training")),
        *_lines("Inference", read_rows("inference")),
        "",
        machine(),
        "",
        "Reproduce: `python benchmarks/memory_rows.py --write`.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the section in RESULTS.md")
    parser.add_argument("--rows", action="store_true", help="print every row")
    arguments = parser.parse_args()
    if arguments.rows:
        for row in [*read_rows("training"), *read_rows("inference")]:
            value, interval = (
                getattr(row.estimate, row.reading),
                f"{row.estimate.low_gib:.1f} to {row.estimate.high_gib:.1f}",
            )
            print(
                f"{row.id:16} {row.group:34} {row.measured_gib:7.2f} {value:7.2f} {100 * row.error:+6.1f} %  {interval}"
            )
    text = report()
    print(text)
    if arguments.write:
        replace_section(RESULTS, TITLE, f"## {TITLE}\n\n{text}")


if __name__ == "__main__":
    main()
