import os
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import profile_data
from advisor.update_rhythm import History, change_days, gap_days, read_rhythm

DAY = 86_400
NOW = 20_000 * DAY + 40_000.0


def days_ago(*days):
    return [NOW - day * DAY for day in days]


class NoHistory:
    within = False


class Commits:
    within = True

    def __init__(self, moments):
        self._moments = moments

    def commits(self):
        return self._moments


def git(folder, *words, **environment):
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    names = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True,
                   env={**os.environ, **quiet, **environment})  # fmt: skip


def test_the_median_gap_between_days_with_changes_is_told():
    days, source = read_rhythm(Commits(days_ago(1, 1, 8, 15, 22, 90)), [], NOW)
    assert days == 7.0
    assert source == "git history: changes on 5 days of the last year"


def test_a_long_silence_counts_more_than_an_old_rhythm():
    assert gap_days(change_days(days_ago(200, 201, 202, 203), NOW), NOW) == 200.0
    assert gap_days(change_days(days_ago(2, 3, 4, 5), NOW), NOW) == 1.0


def test_changes_of_other_years_and_of_the_future_count_for_nothing():
    assert len(change_days([*days_ago(1, 400, 800), NOW + 30 * DAY], NOW)) == 1


def test_too_few_days_of_history_leave_the_rhythm_unknown():
    days, source = read_rhythm(Commits(days_ago(1, 1, 2)), days_ago(1, 30, 60, 90, 120, 150), NOW)
    assert days is None
    assert "on 2 days only" in source


def test_git_that_does_not_answer_leaves_the_rhythm_unknown():
    days, source = read_rhythm(Commits(None), days_ago(1, 30, 60, 90, 120, 150), NOW)
    assert days is None
    assert "git gave no history" in source


@pytest.mark.parametrize("history", [NoHistory(), Commits([])])
def test_without_commits_the_times_of_the_files_tell(history):
    days, source = read_rhythm(history, days_ago(1, 31, 61, 91, 121), NOW)
    assert days == 30.0
    assert "modification times" in source


def test_files_that_were_copied_at_once_tell_nothing():
    copied = [NOW - 5 * DAY + second for second in range(8)]
    days, source = read_rhythm(NoHistory(), [*copied, *days_ago(30, 60, 90)], NOW)
    assert days is None
    assert "8 of 11 files carry the same time" in source


def test_a_handful_of_files_is_not_even_spoken_of():
    assert read_rhythm(NoHistory(), days_ago(1, 30, 60), NOW) == (None, None)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.floats(0, 364), min_size=5, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_files_is_irrelevant(ages, rng):
    one = days_ago(*ages)
    other = list(one)
    rng.shuffle(other)
    assert read_rhythm(NoHistory(), one, NOW) == read_rhythm(NoHistory(), other, NOW)


def test_the_history_of_the_folder_alone_is_read(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    git(tmp_path, "init", "-q")
    now = int(time.time())
    for age in (3, 13, 23, 33):
        (folder / "a.md").write_text(f"changed {age} days ago", "utf-8")
        (tmp_path / "code.py").write_text(f"{age}", "utf-8")
        git(tmp_path, "add", "docs")
        date = f"{now - age * DAY} +0000"
        git(tmp_path, "commit", "-q", "-m", "x", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "code")
    commits = History(folder, patience_s=30).commits()
    assert sorted(now - int(moment) for moment in commits) == [age * DAY for age in (3, 13, 23, 33)]


def test_a_repository_cannot_make_git_start_its_own_programs(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.md").write_text("text", "utf-8")
    git(tmp_path, "add", "a.md")
    git(tmp_path, "commit", "-q", "-m", "x")
    program = tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n", "utf-8")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "gpg.program"):
        git(tmp_path, "config", key, str(program))
    git(tmp_path, "config", "log.showSignature", "true")
    assert len(History(tmp_path, patience_s=30).commits()) == 1
    assert not (tmp_path / "started").exists()


def test_a_slow_git_is_given_up_and_ended(tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    slow.chmod(0o755)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    history = History(tmp_path, patience_s=0.01)
    assert history.commits() is None
    assert history._process.returncode != 0


def test_a_profile_names_where_the_rhythm_was_read(tmp_path):
    for number in range(6):
        path = tmp_path / f"{number}.md"
        path.write_text(f"Text number {number}.", "utf-8")
        os.utime(path, (time.time() - 20 * DAY * number,) * 2)
    profile = profile_data(tmp_path)
    assert profile.update_days == 20.0
    assert "modification times" in profile.update_source
