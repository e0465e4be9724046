"""Hands an adapter over to other programs: as a folder for peft, as a merged Hugging Face model, for Ollama, or slim,
to be carried along by a program."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from finetune.adapters import is_whole, read_card
from finetune.modelfile import modelfile
from finetune.schema import AdapterCard
from finetune.starting import LABELLING
from finetune.template import load_tokenizer, stops_in

FORMS = ("peft", "merged", "ollama", "slim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The folder, and what there is to do or to know about it."""

    path: str
    form: str
    notes: tuple[str, ...]


def export_adapter(adapter: str | Path, out: str | Path, *, form: str, model: str | None = None) -> Exported:
    """Writes `out`, a folder that must not exist yet. Raises ValueError in one line."""
    if form not in FORMS:
        raise ValueError(f"Unknown form '{form}'; choose one of {list(FORMS)}.")
    card, target = read_card(adapter), Path(out)
    if target.exists():
        raise ValueError(f"'{target}' exists; choose another --out.")
    if form == "ollama" and card.objective in LABELLING:
        gives, cure = (
            ("labels", "export it as 'merged'")
            if card.objective == "classify"
            else ("scores", "name its folder where a reward is asked for")
        )
        raise ValueError(f"'{adapter}' gives {gives}, which Ollama cannot serve; {cure}.")
    if form == "peft":
        return _for_peft(Path(adapter), card, target)
    if form == "slim":
        from finetune.slim import slim_adapter

        return Exported(path=str(target), form=form, notes=tuple(slim_adapter(Path(adapter), target)))
    notes = _whole(Path(adapter), card, target, model)
    if form == "ollama":
        notes += _for_ollama(target, card)
    return Exported(path=str(target), form=form, notes=tuple(notes))


def _for_peft(adapter: Path, card: AdapterCard, target: Path) -> Exported:
    if not (adapter / "adapter_config.json").is_file():
        raise ValueError(
            f"{'A whole model' if is_whole(card) else card.method} is no adapter of peft's; export it as 'merged'."
        )
    keep = [
        *adapter.glob("adapter_*"),
        *adapter.glob("*token*"),
        *adapter.glob("*.jinja"),
        *adapter.glob("vocab*"),
    ]
    target.mkdir(parents=True)
    for file in keep:
        if file.name != "adapter_card.json":
            shutil.copy2(file, target / file.name)
    notes = [f"PeftModel.from_pretrained(base, '{target}') loads it on '{card.base_model}'"]
    if card.objective in LABELLING:
        # peft's own class reads [CLS]; this head was trained on the mean of the token vectors.
        notes.append(
            "its head reads the mean of the token vectors (a reward over a model that writes: the last one), which "
            "finetune.encoder.EncoderClassifier gives"
        )
    return Exported(path=str(target), form="peft", notes=tuple(notes))


def _whole(adapter: Path, card: AdapterCard, target: Path, model: str | None) -> list[str]:
    if is_whole(card):
        shutil.copytree(adapter, target)
        return []
    from finetune.merge import merge_adapter

    merged = merge_adapter(adapter, target, model=model)
    return [
        f"merged and stored as {merged.dtype}: outputs differ by {merged.difference:.1e} before storing, "
        f"{merged.rounding:.1e} after"
    ]


def _for_ollama(target: Path, card: AdapterCard) -> list[str]:
    tokenizer = load_tokenizer(target)
    text, has_template = modelfile(tokenizer, stops_in(target, tokenizer), ".")
    (target / "Modelfile").write_text(text, "utf-8")
    kind = json.loads((target / "config.json").read_text("utf-8"))["model_type"]
    notes = [f"ollama create {target.name} -f {target / 'Modelfile'}"]
    if not has_template:
        notes.append(
            "the chat template is no plain sequence of turns: Ollama takes the one that it knows the model by"
        )
    notes.append(
        f"where Ollama does not read {kind} weights: python llama.cpp/convert_hf_to_gguf.py {target} --outfile "
        f"{target.name}.gguf, and FROM ./{target.name}.gguf in the Modelfile"
    )
    return notes
