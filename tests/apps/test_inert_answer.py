import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inert_answer import inert_markup, inert_pieces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](http://a.example/?q=1)", "![x] (http://a.example/?q=1)"),
        ("[x](javascript:alert(1))", "[x] (javascript:alert(1))"),
        ("see [x][y]\n\n[y]: http://a.example", "see [x][y]\n\n[y] : http://a.example"),
        ("<img src=x onerror=alert(1)>", "< img src=x onerror=alert(1)>"),
        ("<https://a.example>", "< https://a.example>"),
        ("</div><!-- x -->", "< /div>< !-- x -->"),
        ("It fell. [1][2] and 3 < 4", "It fell. [1][2] and 3 < 4"),
        ("a\u202eb\x1b]8;;http://a.example\x07", "ab]8;;http://a.example"),
    ],
)
def test_markup_is_broken_and_text_stays(text: str, shown: str) -> None:
    assert inert_markup(text) == shown


@given(st.text(alphabet="[]()<>!:a/ \n\u200d\r", max_size=40), st.data())
def test_a_stream_is_broken_as_the_whole_is(text: str, data: st.DataObject) -> None:
    pieces = []
    at = 0
    while at < len(text):
        size = data.draw(st.integers(1, 5))
        pieces.append(text[at : at + size])
        at += size
    assert "".join(inert_pieces(pieces)) == inert_markup(text)
