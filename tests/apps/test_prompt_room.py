from types import SimpleNamespace

from apps.generators import Extractive, OpenAICompatible
from apps.prompt_room import DEFAULT_CONTEXT_TOKENS, prompt_room


def test_the_answer_keeps_its_room_in_the_context() -> None:
    generator = SimpleNamespace(context_tokens=2048, max_new_tokens=512, count_tokens=len)
    assert prompt_room(generator) == (1536, len)


def test_a_small_context_leaves_most_of_it_to_the_prompt() -> None:
    assert prompt_room(SimpleNamespace(context_tokens=256, max_new_tokens=512))[0] == 192


def test_a_server_that_says_nothing_gets_a_safe_default() -> None:
    room, count = prompt_room(OpenAICompatible("http://localhost:1/v1", "m"))
    assert room is not None
    assert 0 < room < DEFAULT_CONTEXT_TOKENS
    assert count is None


def test_who_quotes_reads_no_prompt() -> None:
    assert prompt_room(Extractive()) == (None, None)
