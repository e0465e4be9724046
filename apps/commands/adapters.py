"""`advisor adapters list | show | merge | combine | export | rollback`: what was trained, and what is made of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune import AdapterCard
    from finetune.versions import Version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (line, add, _) in ACTIONS.items():
        action = actions.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        add(action)
        action.add_argument("--json", action="store_true", help="the same as JSON")


def run(args: argparse.Namespace) -> int:
    found, text = ACTIONS[args.action][2](args)
    print(json.dumps(found, ensure_ascii=False, indent=2) if args.json else text)
    return 0


def _list_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="where adapters were saved; folders below it are searched too")


def _list(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune import list_adapters

    rows, lines = [], []
    for path, card in list_adapters(args.folder):
        older = _history(path)
        rows.append({"path": str(path), **asdict(card), "versions": [_as_row(one) for one in older]})
        lines += [f"{path}: {summary(card)}", *(f"  {_version_line(one)}" for one in older)]
    return rows, "\n".join(lines) or f"No adapters in {args.folder}."


def _history(path: Path) -> list[Version]:
    """The versions of an adapter; none for one that nothing was ever promoted over."""
    from finetune.versions import home_of, versions

    return versions(path) if home_of(path).is_dir() else []


def _as_row(one: Version) -> dict[str, Any]:
    change = asdict(one.change) if one.change else {}
    return {**change, "number": one.number, "path": str(one.path), "in_place": one.in_place}


def _version_line(one: Version) -> str:
    """For example "version 2, in place: dpo · 40 rows · 2026-11-26 · better on held-out feedback"."""
    name = "not numbered yet" if one.number is None else f"version {one.number}"
    why = f" · {one.change.why}" if one.change and one.change.why else ""
    place = ", in place" if one.in_place else ""
    return f"{name}{place}: {one.card.objective} · {one.card.rows} rows · {one.card.created[:10]}{why}"


def _show_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", help="an adapter's folder")
    parser.add_argument("--model", help="also check that this is the base it was trained on")


def _show(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune import check_base, read_card
    from finetune.weights import resolve_model

    card = read_card(args.adapter)
    if args.model:
        check_base(card, resolve_model(args.model))
    return asdict(card), render(card)


def _merge_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", help="an adapter's folder")
    parser.add_argument("--out", required=True, help="the folder of the merged model")
    parser.add_argument("--model", help="the base, where it is not where the adapter's card says")
    parser.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16"), help="default: that of the base"
    )


def _merge(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune.merge import merge_adapter

    merged = merge_adapter(args.adapter, args.out, model=args.model, dtype=args.dtype)
    return asdict(merged), (
        f"Merged into {merged.path}\noutputs in fp32 differ by {merged.difference:.1e} (allowed: 1e-04); "
        f"stored as {merged.dtype} by {merged.rounding:.1e}"
    )


def _combine_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapters", nargs="+", help="folders of adapters of one base")
    parser.add_argument("--out", required=True, help="the folder of the new adapter")
    parser.add_argument("--weights", type=float, nargs="+", help="one for each (default: equal shares)")
    parser.add_argument(
        "--rule",
        default="cat",
        help="of LoRA adapters that write text: cat (exact sum; default), linear, svd or ties_svd; of any that went on "
        "from one adapter, readers too: mean",
    )
    parser.add_argument("--model", help="the base, where it is not where the cards say")


def _combine(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune.combine import combine_adapters

    card = combine_adapters(args.adapters, args.out, weights=args.weights, rule=args.rule, model=args.model)
    said = f"Combined into {args.out}: rank {card.config['lora_rank']}, {card.trainable_params:,} parameters"
    return {"path": args.out, **asdict(card)}, f"{said}\nNot measured yet: it was never trained as a whole."


def _export_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", help="an adapter's folder")
    parser.add_argument("--out", required=True, help="the folder to write")
    parser.add_argument(
        "--form",
        default="merged",
        help="merged (Hugging Face; default), ollama, peft or slim (fp16, no tokenizer)",
    )
    parser.add_argument("--model", help="the base, where it is not where the adapter's card says")


def _export(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune.export import export_adapter

    done = export_adapter(args.adapter, args.out, form=args.form, model=args.model)
    return asdict(done), "\n".join([f"Exported to {done.path}", *done.notes])


def _rollback_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", help="an adapter's folder")
    parser.add_argument(
        "--to", type=int, metavar="NUMBER", help="which version (default: the one that this one replaced)"
    )
    parser.add_argument("--why", default="", help="kept in the log")


def _rollback(args: argparse.Namespace) -> tuple[Any, str]:
    from finetune.versions import rollback

    done = rollback(args.adapter, args.to, why=args.why)
    kept = (
        ""
        if done.replaced is None
        else f"; version {done.replaced} is kept (--to {done.replaced} brings it back)"
    )
    return asdict(done), f"Version {done.number} is in {args.adapter}{kept}."


def summary(card: AdapterCard) -> str:
    """One line: method, objective, base, rows, when; and what came of it."""
    scores = ", ".join(f"{name} {value:.3g}" for name, value in list(card.metrics_after.items())[:2])
    merged = ", merged" if card.merged else ""
    return (
        f"{card.method}{merged} · {card.objective} · on {card.base_model} · {card.rows} rows · "
        f"{card.created[:10]}{f' · {scores}' if scores else ''}"
    )


def render(card: AdapterCard) -> str:
    """The card for a person; --json has all of it."""
    lines = [
        summary(card),
        f"trained {card.trainable_params:,} of {card.total_params:,} parameters",
        f"base {card.base_hash[:12]}, data {card.data_hash[:12] or 'unknown'}",
        *([f"labels: {', '.join(card.labels)}"] if card.labels else []),
    ]
    for name, after in card.metrics_after.items():
        before = card.metrics_before.get(name)
        lines.append(
            f"{name}: {after:.4g}" if before is None else f"{name}: {before:.4g} before, {after:.4g} after"
        )
    lines.append(", ".join(f"{name} {version}" for name, version in card.libraries.items()))
    return "\n".join(lines)


Run = Callable[[argparse.Namespace], tuple[Any, str]]
ACTIONS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Run]] = {
    "list": ("adapters in a folder, with their base and scores", _list_flags, _list),
    "show": ("one adapter's card", _show_flags, _show),
    "merge": ("add an adapter to its base's weights, checked against both apart", _merge_flags, _merge),
    "combine": ("make one adapter of several", _combine_flags, _combine),
    "export": ("a folder for transformers, peft or Ollama", _export_flags, _export),
    "rollback": ("bring back an earlier version of an adapter", _rollback_flags, _rollback),
}
