from pathlib import Path

import pytest
import recommend_speed
import results

from advisor import profile_data


def test_a_section_replaces_itself_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    file.write_text("# Results\n\n## One\n\nold\n\n## Two\n\nkept\n", "utf-8")
    results.replace_section(file, "One", "## One\n\nnew\n")
    assert file.read_text("utf-8") == "# Results\n\n## One\n\nnew\n\n## Two\n\nkept\n"


def test_a_first_section_makes_the_file(tmp_path: Path) -> None:
    results.replace_section(tmp_path / "RESULTS.md", "One", "## One\n\nnew\n")
    assert (tmp_path / "RESULTS.md").read_text("utf-8") == "# Results\n\n## One\n\nnew\n"


def test_the_section_states_medians_and_their_ratio() -> None:
    text = recommend_speed.section(1000, [0.2, 0.3, 0.4], [3.0, 3.0, 3.0], "advisor recommend")
    assert "| `advisor recommend` | 0.300 | 0.200 to 0.400 |" in text
    assert "1/10.0 of the time" in text
    assert "met" in text


@pytest.mark.parametrize("count", [20])
def test_the_generated_folder_holds_what_was_asked(tmp_path: Path, count: int) -> None:
    recommend_speed.write_files(tmp_path, count)
    profile = profile_data(tmp_path)
    assert profile.files == count
    assert len(profile.formats) >= 3
