"""Trains, measures and ships the sentiment weights of finance news: linear ones over word pieces and MiniLM's vector.

Pieces, share of the vector and penalty are chosen by macro-F1 of five folds over train and dev; the model that is
scored on test learned train and dev. `--ship` writes apps/shipped/news-sentiment; the seed makes it the same again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import warnings
from collections import Counter
from datetime import date
from itertools import product
from typing import Any

import numpy as np
from methods_runs import SHARED
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from apps.news_features import Grams, gram_rows
from apps.news_weights import SHIPPED, Weights, read_weights
from apps.news_words import lexicon_label, signs
from finetune.evaluate import accuracy, macro_f1

SEED, FOLDS, BITS = 0, 5, 15
GRID: dict[
    str, list[tuple[tuple[int, ...], tuple[int, ...], float]]
] = {  # words, characters, share of the vector
    "en": [((1,), (), 0.5), ((1, 2), (), 0.5), ((1, 2), (3, 4), 0.5), ((1, 2), (3, 4), 0.0)],
    "zh": [((1, 2), (), 0.0), ((1, 2), (2, 3), 0.0), ((1, 2, 3), (1, 2, 3), 0.0)],
}
SIGN_SHARES = (0.0, 0.1, 0.3)
PENALTIES = {"en": (1.0, 10.0), "zh": (3.0, 10.0, 30.0)}
SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
LICENCES = {
    "en": "FinEntity, ODC-By 1.0 (Tang et al., EMNLP 2023)",
    "zh": "CFBenchmark-Basic sentiment, Apache-2.0 (TongjiFinLab)",
}


def rows_of(language: str, split: str) -> list[dict[str, Any]]:
    with gzip.open(SHARED / f"finance_{language}_{split}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def narrow(rows: Any) -> tuple[Any, Any]:
    """Rows turned so that as many columns as rows hold all of them, and the way back for weights."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    kept = values > 1e-8 * values.max()
    turned = vectors[:, kept] * np.sqrt(values[kept])
    return turned, rows.T @ (vectors[:, kept] / np.sqrt(values[kept]))


def fitted(rows: Any, labels: Any, penalty: float, weight: str | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence within 300 steps is not needed for a choice
        return LogisticRegression(C=penalty, class_weight=weight, max_iter=300).fit(rows, labels)


def left_out(turned: Any, labels: Any, penalty: float, weight: str | None) -> Any:
    """Log-odds of each row by a model that did not see it."""
    found = np.zeros((len(labels), len(set(labels))))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for seen, hidden in folds.split(turned, labels):
        found[hidden] = fitted(turned[seen], labels[seen], penalty, weight).decision_function(turned[hidden])
    return found


def surprise(logits: Any, places: Any) -> float:
    shares = logits - logits.max(1, keepdims=True)
    shares = shares - np.log(np.exp(shares).sum(1, keepdims=True))
    return float(-shares[np.arange(len(places)), places].mean())


def train(language: str) -> tuple[Weights, dict[str, Any]]:
    rows = rows_of(language, "train") + rows_of(language, "dev")
    texts, labels = [row["text"] for row in rows], np.array([row["label"] for row in rows])
    names = sorted(set(labels))
    vectors = embedded(texts) if language == "en" else None
    best: tuple[float, Any] = (0.0, None)
    lexicon = signs(texts, language)
    for (words, characters, share), sign_share in product(GRID[language], SIGN_SHARES):
        kinds = Grams(words=words, characters=characters, bits=BITS)
        joined = np.hstack([gram_rows(texts, kinds), np.sqrt(sign_share) * lexicon])
        if share and vectors is not None:
            joined = np.hstack([joined, np.sqrt(share) * vectors])
        turned, back = narrow(joined.astype(np.float64))
        for penalty in PENALTIES[language]:
            for weight in (None, "balanced"):
                out = left_out(turned, labels, penalty, weight)
                score = macro_f1(list(labels), [names[at] for at in out.argmax(1)])
                print(
                    f"{language} {words} {characters} {share} {sign_share} C={penalty} {weight}: {score:.3f}",
                    flush=True,
                )
                if score > best[0]:
                    best = (score, (kinds, share, sign_share, penalty, weight, turned, back, out))
    kinds, share, sign_share, penalty, weight, turned, back, out = best[1]
    places = np.array([names.index(label) for label in labels])
    scale = min(SCALES, key=lambda by: surprise(by * out, places))
    model = fitted(turned, labels, penalty, weight)
    coefficients = (back @ model.coef_.T).T
    weights = Weights(
        language=language,
        labels=tuple(names),
        kinds=kinds,
        grams=coefficients[:, : 1 << BITS].astype(np.float16),
        signs=coefficients[:, 1 << BITS : (1 << BITS) + 4].astype(np.float16),
        sign_share=sign_share,
        vectors=coefficients[:, (1 << BITS) + 4 :].astype(np.float16) if share else None,
        vector_share=share,
        bias=model.intercept_.astype(np.float16),
        scale=scale,
    )
    chosen = {"folds_macro_f1": round(best[0], 3), "penalty": penalty, "class_weight": weight}
    return weights, chosen


def embedded(texts: list[str]) -> Any:
    from rag.embed import load_embedder

    return np.asarray(load_embedder("minilm").embed(texts))


def measured(language: str, weights: Weights) -> dict[str, Any]:
    """Accuracy and macro-F1 on test: these weights, the most frequent label, and the words of the lexicon."""
    rows = rows_of(language, "test")
    gold, texts = [row["label"] for row in rows], [row["text"] for row in rows]
    logits = weights.logits(texts)
    said = [weights.labels[at] for at in logits.argmax(1)]
    most = Counter(row["label"] for row in rows_of(language, "train")).most_common(1)[0][0]
    others = {"majority": [most] * len(rows), "lexicon": [lexicon_label(text, language) for text in texts]}
    found = {
        name: {"accuracy": round(accuracy(gold, answer), 3), "macro_f1": round(macro_f1(gold, answer), 3)}
        for name, answer in {"weights": said, **others}.items()
    }
    places = np.array([weights.labels.index(label) for label in gold])
    exact = np.exp(logits - logits.max(1, keepdims=True))
    sure = (exact / exact.sum(1, keepdims=True)).max(1)
    return {
        "rows": len(rows), **found, "mean_confidence": round(float(sure.mean()), 3),
        "log_loss": round(surprise(logits, places), 3),
    }  # fmt: skip


def ship(trained: dict[str, tuple[Weights, dict[str, Any]]], scores: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    from rag.weights import file_digest

    SHIPPED.mkdir(parents=True, exist_ok=True)
    tensors, languages = {}, {}
    for name, (weights, chosen) in trained.items():
        tensors |= {
            f"{name}.grams": weights.grams,
            f"{name}.bias": weights.bias,
            f"{name}.signs": weights.signs,
        }
        if weights.vectors is not None:
            tensors[f"{name}.vectors"] = weights.vectors
        languages[name] = {
            "labels": weights.labels, "words": weights.kinds.words, "characters": weights.kinds.characters,
            "bits": weights.kinds.bits, "vector_share": weights.vector_share,
            "sign_share": weights.sign_share, "scale": weights.scale,
            "trained_on": LICENCES[name], "chosen": chosen, "test": scores[name],
        }  # fmt: skip
    file = SHIPPED / "weights.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}, file)
    card = {
        "name": "news-sentiment",
        "what": "linear weights over hashed word pieces (English: and MiniLM's vector); no text of the data is in it",
        "recipe": "python benchmarks/news_sentiment.py --ship",
        "seed": SEED, "made": date.today().isoformat(), "sha256": file_digest(file), "languages": languages,
    }  # fmt: skip
    (SHIPPED / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ship", action="store_true", help=f"write {SHIPPED.name} into the package")
    parser.add_argument("--shipped", action="store_true", help="train nothing; measure what is shipped")
    chosen = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is not there; this benchmark needs the shared sentiment sets.")
    trained = {name: (read_weights(name), {}) if chosen.shipped else train(name) for name in GRID}
    scores = {name: measured(name, weights) for name, (weights, _) in trained.items()}
    for name, found in scores.items():
        print(name, json.dumps(trained[name][1]), json.dumps(found))
    if chosen.ship:
        ship(trained, scores)


if __name__ == "__main__":
    main()
