from __future__ import annotations

import time
from pathlib import Path

import pytest

from fmnist_tui.data import Cancelled, DataError, Progress
from fmnist_tui.data.apt import Apt, fetch
from fmnist_tui.data.errors import never, quiet

from .conftest import FakeApt
from .samples import Sample, snapshot


def message_of(small: Sample, apt: Apt, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        fetch(small.release.files, apt, folder, quiet, never)
    return str(caught.value)


def test_the_package_is_unpacked_into_the_folder_and_nothing_else_stays(
    fake_apt: FakeApt, tmp_path: Path, small: Sample
) -> None:
    seen: list[Progress] = []
    fetch(small.release.files, fake_apt.commands(), tmp_path / "cached", seen.append, never)
    assert snapshot(tmp_path / "cached") == {name: len(content) for name, content in small.packed.items()}
    assert sorted((tmp_path / "cached").iterdir()) == sorted(tmp_path / "cached" / name for name in small.packed)
    assert not any("update" in call for call in fake_apt.log)
    whats = list(dict.fromkeys(progress.what for progress in seen))
    assert whats == [
        "asking apt for the package dataset-fashion-mnist",
        "fetching Debian's package dataset-fashion-mnist with apt-get",
        "unpacking dataset-fashion-mnist",
    ]
    assert {progress.total for progress in seen} == {None, 5}


def test_root_updates_the_lists_if_the_package_is_not_in_them_and_reports_it(
    fake_apt: FakeApt, tmp_path: Path, small: Sample
) -> None:
    fake_apt.knows = False
    seen: list[Progress] = []
    fetch(small.release.files, fake_apt.commands(is_root=True), tmp_path / "cached", seen.append, never)
    assert sum("update" in call for call in fake_apt.log) == 1
    assert "updating the package lists (apt-get update)" in {progress.what for progress in seen}
    assert len(snapshot(tmp_path / "cached")) == 4


def test_other_users_are_advised_to_update_the_lists(fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    fake_apt.knows = False
    message = message_of(small, fake_apt.commands(is_root=False), tmp_path / "cached")
    assert message == "apt does not know the package dataset-fashion-mnist (`sudo apt-get update` may help)"
    assert not any("update" in call for call in fake_apt.log)
    assert list((tmp_path / "cached").iterdir()) == []


def test_a_failed_download_gives_the_last_error_of_apt(fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    (fake_apt.folder / "unreachable").touch()
    assert message_of(small, fake_apt.commands(), tmp_path / "cached") == "apt-get failed: Failed to fetch"
    assert list((tmp_path / "cached").iterdir()) == []


def test_a_machine_without_apt_says_so(tmp_path: Path, small: Sample) -> None:
    message = message_of(small, Apt(apt_get=str(tmp_path / "apt-get")), tmp_path / "cached")
    assert message.endswith("apt-get is not on this machine")
    assert not (tmp_path / "cached").exists()


def test_a_package_without_a_file_names_it(fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    (fake_apt.folder / "package" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert "lacks t10k-labels-idx1-ubyte" in message_of(small, fake_apt.commands(), tmp_path / "cached")


def test_other_data_in_the_package_is_refused(fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    path = fake_apt.folder / "package" / "train-labels-idx1-ubyte.gz"
    path.write_bytes(small.packed["t10k-labels-idx1-ubyte.gz"])
    assert "train-labels-idx1-ubyte is not the official file" in message_of(
        small, fake_apt.commands(), tmp_path / "cached"
    )


def test_cancelling_ends_apt_and_leaves_nothing(fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    apt = Apt(fake_apt.script("apt-get", "sleep 60"), fake_apt.script("dpkg-deb", ""), is_root=False)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(small.release.files, apt, tmp_path / "cached", quiet, lambda: time.monotonic() > began + 0.1)
    assert time.monotonic() - began < 2
    assert list((tmp_path / "cached").iterdir()) == []


def test_the_commands_speak_english_whatever_the_locale(
    fake_apt: FakeApt, tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    commands = fake_apt.commands()
    listing = Path(commands.apt_get).read_text()
    failing = listing.replace("echo data >", 'echo "E: $LC_ALL" >&2; exit 100 #')
    apt = Apt(fake_apt.script("apt-get", failing), commands.dpkg_deb, is_root=False)
    assert message_of(small, apt, tmp_path / "cached") == "apt-get failed: C"


def test_a_command_that_takes_too_long_is_named(
    fake_apt: FakeApt, tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.data.apt.ASK_LIMIT", 0.1)
    apt = Apt(fake_apt.script("apt-get", "sleep 60"), fake_apt.script("dpkg-deb", ""), is_root=False)
    assert message_of(small, apt, tmp_path / "cached") == "apt-get failed: no answer within 0.1 s"
