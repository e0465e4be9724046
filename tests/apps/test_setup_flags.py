"""Flags made from the fields of the setups."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from advisor import ServeSetup, TrainSetup
from apps.setup_flags import _HELP, add_setup_flags, flag_of, given_fields


def parse(kind: type, *words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_setup_flags(parser, kind)
    return given_fields(parser.parse_args(words), kind)


@pytest.mark.parametrize("kind", [TrainSetup, ServeSetup])
def test_what_is_not_given_is_left_to_the_setup(kind: type) -> None:
    assert parse(kind) == {}


@pytest.mark.parametrize("kind", [TrainSetup, ServeSetup])
def test_every_choice_of_every_field_is_taken_as_it_stands(kind: type) -> None:
    for name, hint in get_type_hints(kind).items():
        if get_origin(hint) is Literal:
            for choice in get_args(hint):
                assert parse(kind, flag_of(name), choice) == {name: choice}


@pytest.mark.parametrize("kind", [TrainSetup, ServeSetup])
def test_a_field_of_any_kind_can_be_set_from_the_command_line(kind: type) -> None:
    other = {int: ("3", 3), float: ("0.5", 0.5), str: ("q,v", "q,v")}
    for name, hint in get_type_hints(kind).items():
        if hint in other:
            word, value = other[hint]
            assert parse(kind, flag_of(name), word) == {name: value}
        if hint is bool:
            assert parse(kind, flag_of(name)) == {name: True}
            assert parse(kind, f"--no-{name.replace('_', '-')}") == {name: False}


def test_a_model_is_named_and_read_from_the_catalogue() -> None:
    given = parse(ServeSetup, "--embedder", "minilm")
    assert given["embedder"].name == "sentence-transformers/all-MiniLM-L6-v2"
    with pytest.raises(ValueError, match="Unknown model 'nosuch'"):
        parse(ServeSetup, "--embedder", "nosuch")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--batch-size", "0"], "0 is too small, give 1 or more"),
        (["--seq-len", "-5"], "-5 is too small"),
        (["--lora-rank", "many"], "'many' is no whole number"),
        (["--optimizer", "adam"], "invalid choice: 'adam'"),
        (["--lora-dropout", "nan"], "'nan' is no share"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(words: list[str], part: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=part):
        parse(TrainSetup, *words)


def test_no_adapters_is_a_count_too() -> None:
    assert parse(ServeSetup, "--adapters", "0") == {"adapters": 0}


def test_help_is_only_written_for_fields_that_exist() -> None:
    names = {item.name for kind in (TrainSetup, ServeSetup) for item in fields(kind)}
    assert set(_HELP) <= names


def test_given_fields_make_a_setup() -> None:
    setup = replace(TrainSetup(), **parse(TrainSetup, "--seq-len", "512", "--no-gradient-checkpointing"))
    assert (setup.seq_len, setup.gradient_checkpointing) == (512, False)
