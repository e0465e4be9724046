from __future__ import annotations

import pytest

from rag.loaders.dates import find_date


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("a.md", "# Policy\n\nEffective date: 1 March 2025\n", "2025-03-01"),
        ("a.md", "# Policy\nDate: March 3rd, 2025", "2025-03-03"),
        ("a.md", "# 制度\n发布日期：2025年3月31日\n", "2025-03-31"),
        ("policy-2024-11-05.md", "No date in here.", "2024-11-05"),
        ("report_20240630.pdf", "No date in here.", "2024-06-30"),
        ("minutes-2024-11.md", "No date in here.", "2024-11"),
        ("a.md", "# Minutes\n\n2025-02-03\n\nText", "2025-02-03"),
        ("a.md", "Sales rose in the half year after 2019-01-01, when the rule changed for all.", None),
        ("a.md", "Date: 2025-13-41", None),
        ("x2024-01-02.md", "Date: 2025-05-06", "2025-05-06"),
    ],
)
def test_a_document_is_dated_by_its_label_then_its_name_then_a_line(
    source: str, text: str, expected: str | None
) -> None:
    assert find_date(source, text) == expected


def test_a_date_in_a_table_row_is_a_value() -> None:
    assert (
        find_date("orders.csv", "Order: 1; Date: 2024-01-01\nOrder: 2; Date: 2024-01-02", bare=False) is None
    )
