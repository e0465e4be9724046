"""Adapters that share one base answer as they do alone: switched, in one batch, and asked all at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from trained_pairs import Trained, train_pair

from finetune import load_generator
from finetune.tenants import Tenants, load_tenants

Pairs = dict[tuple[str, str], Trained]
ASK = [{"role": "user", "content": "Item 3?"}]
LONGER = [{"role": "user", "content": "Tell me about item 3, item 4 and item 5?"}]


@pytest.fixture(scope="module")
def alone(trained_pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, str]:
    """What each adapter, and the base, says by itself."""
    base = str(trained_pairs["lora", "sft"].base)
    said = {
        name: load_generator(base, trained_pairs[name, "sft"].folder, max_new_tokens=12) for name in NAMES
    }
    plain = load_generator(base, max_new_tokens=12)
    return {
        None: "".join(plain.stream(ASK)),
        **{name: "".join(one.stream(ASK)) for name, one in said.items()},
    }


NAMES = ("lora", "rslora", "qlora", "dora")


@pytest.fixture(scope="module")
def tenants(trained_pairs: Pairs) -> Tenants:
    folders: dict[str, str | Path] = {name: trained_pairs[name, "sft"].folder for name in NAMES}
    folders["0"] = trained_pairs["lora", "sft"].folder  # a name that peft would take for a layer's
    return load_tenants(str(trained_pairs["lora", "sft"].base), folders, max_new_tokens=12)


def test_each_switch_answers_as_a_fresh_load(tenants: Tenants, alone: dict[str | None, str]) -> None:
    assert len(set(alone.values())) > 1
    for name in ("lora", None, "dora", "rslora", None, "lora", "qlora"):
        assert "".join(tenants.stream(ASK, tenant=name)) == alone[name], name
    assert "".join(tenants.stream(ASK, tenant="0")) == alone["lora"]


def test_tenants_that_ask_at_once_are_each_answered_by_their_own(
    tenants: Tenants, alone: dict[str | None, str]
) -> None:
    wrong: list[str | None] = []

    def ask(name: str | None) -> None:
        for _ in range(3):
            if "".join(tenants.stream(ASK, tenant=name)) != alone[name]:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in (*NAMES, None)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_one_batch_holds_several_tenants(tenants: Tenants, alone: dict[str | None, str]) -> None:
    first, second, third = tenants.answers([("lora", ASK), (None, LONGER), ("rslora", ASK)])
    assert (first, third) == (alone["lora"], alone["rslora"])
    assert second == "".join(tenants.stream(LONGER))


def test_strangers_are_refused(tenants: Tenants, trained_pairs: Pairs, tmp_path: Path) -> None:
    base = str(trained_pairs["lora", "sft"].base)
    with pytest.raises(ValueError, match=r"No adapter for 'x'; there are"):
        list(tenants.stream(ASK, tenant="x"))
    with pytest.raises(ValueError, match="a batch mixes"):
        tenants.answers([("dora", ASK)])
    with pytest.raises(ValueError, match="is ia3 for sft; adapters of lora"):
        load_tenants(base, {"a": trained_pairs["ia3", "sft"].folder})
    with pytest.raises(ValueError, match="holds other weights"):
        load_tenants(
            str(trained_pairs["llama_adapter", "sft"].base), {"a": trained_pairs["lora", "sft"].folder}
        )
    other = train_pair("lora", "sft", trained_pairs["lora", "sft"].base, tmp_path / "other", max_steps=1)
    (other.folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    with pytest.raises(ValueError, match=r"differ in chat_template.jinja"):
        load_tenants(base, {"a": trained_pairs["lora", "sft"].folder, "b": other.folder})
