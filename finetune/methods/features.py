"""A logistic regression over the vectors of a frozen encoder, by scikit-learn; no gradient reaches the encoder."""

from __future__ import annotations

from typing import Any

import torch

from finetune.methods import frozen
from finetune.schema import TrainConfig

loading = frozen.loading
MOST_ITERATIONS = 2000  # of L-BFGS; a few hundred rows of MiniLM's vectors need under a hundred


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    if head is None:
        raise ValueError("features predicts labels and writes no text; take the objective 'classify'.")
    frozen.train_only(model, model.get_submodule(head).parameters())
    model.logistic_c = config.logistic_c
    return model


def fit(trainer: Any) -> tuple[float, float]:
    """Puts the regression's weights into the head; the loss over the training rows before and after."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]

    model = trainer.model
    vectors, labels = _vectors(trainer)
    before = _loss(model, vectors, labels)
    regression = LogisticRegression(C=model.logistic_c, max_iter=MOST_ITERATIONS)
    regression.fit(vectors.numpy(), labels.numpy())
    weight = torch.tensor(regression.coef_, dtype=torch.float32)
    bias = torch.tensor(regression.intercept_, dtype=torch.float32)
    if len(regression.classes_) == 2:  # one row of weights, for the second label against the first
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    model.classifier.weight.data.copy_(weight)
    model.classifier.bias.data.copy_(bias)
    return before, _loss(model, vectors, labels)


def _vectors(trainer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Every training row's pooled vector and label."""
    model = trainer.model.eval()
    found, labels = [], []
    with torch.inference_mode():
        for batch in trainer.get_eval_dataloader(trainer.train_dataset):
            batch = {name: value.to(trainer.args.device) for name, value in batch.items()}
            labels.append(batch.pop("labels").cpu())
            found.append(model.pooled(**batch).float().cpu())
    return torch.cat(found), torch.cat(labels)


def _loss(model: Any, vectors: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.inference_mode():
        head = model.classifier
        scores = torch.nn.functional.linear(vectors, head.weight.cpu().float(), head.bias.cpu().float())
        return float(torch.nn.functional.cross_entropy(scores, labels))
