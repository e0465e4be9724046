from pathlib import Path

import pytest

from apps.settings import load_settings


def test_a_flag_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "advisor.toml").write_text('index = "file"\nmodel = "file"\nk = 3\n')
    environ = {"ADVISOR_INDEX": "env", "ADVISOR_MODEL": "env"}
    settings = load_settings({"index": "flag", "model": None}, tmp_path, environ)
    assert (settings.index, settings.model, settings.k) == ("flag", "env", 3)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "advisor.toml").write_text('indx = "x"\n')
    with pytest.raises(ValueError, match="unknown key 'indx'; did you mean 'index'"):
        load_settings(folder=tmp_path, environ={})


@pytest.mark.parametrize("content", ["k = = 3", 'port = "many"'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "advisor.toml").write_text(content)
    with pytest.raises(ValueError, match=r"advisor\.toml"):
        load_settings(folder=tmp_path, environ={})


def test_a_number_in_the_environment_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="k = 'six' in the environment is not a whole number"):
        load_settings(folder=tmp_path, environ={"ADVISOR_K": "six"})
