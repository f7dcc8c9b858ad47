"""settings.toml: what a user has set for all runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fmnist_tui.runs.queue.options import QueueOptions, queue_options
from fmnist_tui.runs.queue.store import AUTO
from fmnist_tui.user_settings import FILE_NAME, SettingsError, UserSettings, read_user_settings


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    """Nobody has to write one."""
    assert read_user_settings(tmp_path) == UserSettings()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[queue]\n[slurm]\n", None),
        (b"\xef\xbb\xbf[queue]\r\n", None),
        (b"[que]\n", "Object contains unknown field `que`"),
        (b"[queue]\nslot = 2\n", "Object contains unknown field `slot` - at `$.queue`"),
        (b"[queue]\nper_gpu = 0\n", "Expected `int` >= 1 - at `$.queue.per_gpu`"),
        (b'[queue]\nper_gpu = "all"\n', "Invalid enum value 'all' - at `$.queue.per_gpu`"),
        (b"queue = 3\n", "Expected `object`, got `int` - at `$.queue`"),
        (b"[queue\n", "is no valid TOML"),
        (b"\xff", "is no valid TOML"),
    ],
)
def test_a_mistake_is_named_in_one_line(content: bytes, expected: str | None, tmp_path: Path) -> None:
    """A misspelt setting is an error, not a default."""
    (tmp_path / FILE_NAME).write_bytes(content)

    if expected is None:
        assert read_user_settings(tmp_path) == UserSettings()
    else:
        with pytest.raises(SettingsError, match=re.escape(FILE_NAME)) as error:
            read_user_settings(tmp_path)
        assert expected in str(error.value)
        assert "\n" not in str(error.value)


def test_the_queue_takes_its_defaults_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for on the command line comes first."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "fmnist-tui").mkdir()
    assert queue_options() == QueueOptions()
    (tmp_path / "fmnist-tui" / FILE_NAME).write_text('[queue]\nper_gpu = "auto"\navoid_busy = true\ncpu_slots = 2\n')
    assert queue_options(after="/runs/a") == QueueOptions(AUTO, avoid_busy=True, cpu_slots=2, after="/runs/a")
    assert queue_options(3, avoid_busy=False) == QueueOptions(3, avoid_busy=False, cpu_slots=2)
