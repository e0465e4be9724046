import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "recommend_speed.py"
spec = importlib.util.spec_from_file_location("recommend_speed", SCRIPT)
speed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(speed)


def test_a_section_replaces_itself_and_leaves_the_others(tmp_path):
    results = tmp_path / "RESULTS.md"
    results.write_text("# Results\n\n## One\n\nold\n\n## Two\n\nkept\n", "utf-8")
    speed.replace_section(results, "One", "## One\n\nnew\n")
    assert results.read_text("utf-8") == "# Results\n\n## One\n\nnew\n\n## Two\n\nkept\n"


def test_a_first_section_makes_the_file(tmp_path):
    speed.replace_section(tmp_path / "RESULTS.md", "One", "## One\n\nnew\n")
    assert (tmp_path / "RESULTS.md").read_text("utf-8") == "# Results\n\n## One\n\nnew\n"


def test_the_section_states_medians_and_their_ratio():
    text = speed.section(1000, [0.2, 0.3, 0.4], [3.0, 3.0, 3.0], "advisor recommend")
    assert "| `advisor recommend` | 0.300 | 0.200 to 0.400 |" in text
    assert "1/10.0 of the time" in text and "met" in text


def test_the_generated_folder_holds_what_was_asked(tmp_path):
    from advisor import profile_data

    speed.write_files(tmp_path, 50)
    profile = profile_data(tmp_path)
    assert profile.files == 50
    assert len(profile.formats) == 5 and not profile.unreadable
