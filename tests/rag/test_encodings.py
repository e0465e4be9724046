from __future__ import annotations

import pytest

from rag.loaders.encodings import decode

CHINESE = "公司的营业收入为十二亿元，同比增长百分之八。这是一个说明文件。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_chinese_is_read_in_every_common_encoding(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "cp1252"])
def test_western_text_is_read_without_a_mark(encoding: str) -> None:
    assert decode("Das Café kostet 5 Euro.".encode(encoding)) == "Das Café kostet 5 Euro."


def test_a_page_that_says_gb2312_may_use_its_superset() -> None:
    assert decode("朱镕基的报告".encode("gb18030"), "gb2312") == "朱镕基的报告"


def test_a_few_damaged_bytes_do_not_change_the_encoding() -> None:
    data = bytearray((CHINESE * 20).encode())
    data[100] = 0xFF
    assert decode(bytes(data)).count("营业收入") >= 19


def test_line_ends_become_one_kind() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"
