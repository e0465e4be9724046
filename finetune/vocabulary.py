"""Gives a model's vocabulary the characters that it lacks to read somebody's texts, each with a row of its own in the
embeddings; what a row means is learned afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.missing_pieces import commonest, count_unknown, missing_pieces
from finetune.staging import staged
from finetune.weights import model_config, resolve_model

ROWS_FROM = "new_rows_from"  # in config.json: the number of the first row that was added
FEWEST = 2  # a character that stands once teaches its row next to nothing
_SHOWN = 12
_COPIED = (".json", ".txt", ".jinja")
_LEFT_BEHIND = ("data_config.json", "train_script.py")  # how the base was trained: not true of the new folder

Pairs = Sequence[tuple[str, str]]  # a text, and the same in words that the model knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What was added. `path` is None where there was nothing to add: then no folder was written."""

    path: str | None
    added: int  # rows of the embeddings
    mib: float  # that they weigh
    unknown_before: float  # share of the texts' tokens, 0 to 1
    unknown_after: float
    left_out: int  # pieces that are missing still, by `size` or `fewest`
    commonest: tuple[str, ...] = ()  # of the pieces that were added


def extend_vocabulary(
    model: str,
    texts: Sequence[str],
    out: str | Path,
    *,
    size: int | None = None,
    fewest: int = FEWEST,
    translations: Pairs = (),
    seed: int = 42,
) -> Vocabulary:
    """Writes a base model that reads `texts` to the folder `out`, which must not exist yet.

    At most `size` pieces are added, the commonest first, each seen `fewest` times or more. Every token that the model
    had keeps its number and its row. With `translations` (words or sentences beside the same in words that the model
    knows) rows start from what their texts mean, else from the mean of all rows and some noise. Raises ValueError in
    one line.
    """
    if Path(out).exists():
        raise ValueError(f"'{out}' exists; choose another --out.")
    if (size is not None and size < 1) or fewest < 1:
        raise ValueError(f"size is {size} and fewest {fewest}; both count and are 1 or more.")
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError("There is no text to read; give texts of the kind that the model shall read.")
    base = resolve_model(model)
    stored = _stored_tokenizer(base, model)
    tokens, unknown, words = count_unknown(_tokenizer(stored), texts)
    missing = missing_pieces(words, stored["model"]["vocab"], stored["model"]["continuing_subword_prefix"])
    pieces = commonest(missing, size, fewest)
    before, left_out = unknown / max(tokens, 1), len(missing) - len(pieces)
    if not pieces:
        return Vocabulary(
            path=None, added=0, mib=0.0, unknown_before=before, unknown_after=before, left_out=left_out
        )
    with staged(Path(out)) as staging:
        mib = _write(base, staging, stored, pieces, translations, seed)
    tokens, unknown, _ = count_unknown(_tokenizer(stored), texts)
    return Vocabulary(
        path=str(out),
        added=len(pieces),
        mib=mib,
        unknown_before=before,
        unknown_after=unknown / max(tokens, 1),
        left_out=left_out,
        commonest=tuple(pieces[:_SHOWN]),
    )


def _stored_tokenizer(base: Path, model: str) -> dict[str, Any]:
    """tokenizer.json of a WordPiece model. Raises ValueError for one that has no unknown words, or hides them."""
    file = base / "tokenizer.json"
    if not file.is_file():
        raise ValueError(f"'{model}' holds no tokenizer.json; save it with a fast tokenizer.")
    stored: dict[str, Any] = json.loads(file.read_text("utf-8"))
    kind = stored["model"].get("type")
    if kind == "BPE" and (stored["model"].get("byte_fallback") or "ByteLevel" in json.dumps(_around(stored))):
        raise ValueError(
            f"'{model}' knows every text: its tokenizer falls back to bytes. There is nothing to add; go on with "
            "'advisor train --objective pretrain'."
        )
    if kind != "WordPiece":
        raise ValueError(f"The tokenizer of '{model}' is {kind}; only WordPiece (BERT's) is extended here.")
    return stored


def _around(stored: Mapping[str, Any]) -> list[Any]:
    return [stored.get(part) for part in ("normalizer", "pre_tokenizer", "decoder")]


def _tokenizer(stored: Mapping[str, Any]) -> Any:
    from tokenizers import Tokenizer

    found = Tokenizer.from_str(json.dumps(stored))
    found.no_truncation()
    found.no_padding()
    return found


def _write(
    base: Path, target: Path, stored: dict[str, Any], pieces: Sequence[str], translations: Pairs, seed: int
) -> float:
    """The new folder; `stored` is extended in place. Returns MiB of the rows."""
    from finetune.added_rows import extend_weights, tokens_of

    config, old = model_config(base), _tokenizer(stored)
    rows = int(config["vocab_size"])
    _copy_settings(base, target)
    _number(stored["model"]["vocab"], pieces, rows)
    pairs = tokens_of(old, _tokenizer(stored), translations) if translations else ()
    mib = extend_weights(base, target, rows, len(pieces), pairs, seed)
    config |= {"vocab_size": rows + len(pieces), ROWS_FROM: rows}
    _write_json(target / "config.json", config)
    _write_json(target / "tokenizer.json", stored)
    words = sorted(stored["model"]["vocab"], key=stored["model"]["vocab"].__getitem__)
    (target / "vocab.txt").write_text("".join(f"{word}\n" for word in words), "utf-8")
    return mib


def _copy_settings(base: Path, target: Path) -> None:
    """The base's other files, and the parts of a sentence-transformers model, such as its pooling."""
    for file in base.iterdir():
        if file.is_file() and file.suffix in _COPIED and file.name not in _LEFT_BEHIND:
            shutil.copy(file, target)
    modules = base / "modules.json"
    for part in json.loads(modules.read_text("utf-8")) if modules.is_file() else ():
        if part["path"] and (base / part["path"]).is_dir():
            shutil.copytree(base / part["path"], target / part["path"])


def _number(vocabulary: dict[str, int], pieces: Sequence[str], rows: int) -> None:
    """New numbers begin after the last row: a model may have more rows than words. vocab.txt counts lines, so that
    the rows between get a name each."""
    taken = set(vocabulary.values())
    vocabulary |= {f"[unused_row_{number}]": number for number in range(rows) if number not in taken}
    vocabulary |= {piece: rows + place for place, piece in enumerate(pieces)}


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
