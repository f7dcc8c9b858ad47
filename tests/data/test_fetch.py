from __future__ import annotations

import gzip
import socket
import threading
import time
from pathlib import Path

import pytest
from full_disk import space_for

from fmnist_tui.data import Cancelled, DataError, Progress
from fmnist_tui.data.errors import never, quiet
from fmnist_tui.data.fetch import fetch

from .conftest import Web
from .samples import Sample, snapshot


def complaint(small: Sample, address: str, folder: Path, timeout: float = 5.0) -> str:
    with pytest.raises(DataError) as caught:
        fetch(small.release.files, address, folder, timeout, quiet, never)
    return str(caught.value)


def test_the_four_files_arrive_whole_and_progress_counts_their_bytes(web: Web, tmp_path: Path, small: Sample) -> None:
    seen: list[Progress] = []
    fetch(small.release.files, web.address, tmp_path / "kept", 5.0, seen.append, never)
    assert snapshot(tmp_path / "kept") == {name: len(content) for name, content in small.packed.items()}
    for name, content in small.packed.items():
        assert (tmp_path / "kept" / name).read_bytes() == content
        assert Progress(f"fetching {name}", len(content), len(content)) in seen


def test_valid_files_are_not_fetched_again(web: Web, tmp_path: Path, small: Sample) -> None:
    small.write(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    fetch(small.release.files, web.address, tmp_path, 5.0, quiet, never)
    assert web.asked == ["t10k-images-idx3-ubyte.gz"]
    assert snapshot(tmp_path) == {name: len(content) for name, content in small.packed.items()}


def test_a_file_with_another_checksum_gets_no_name(web: Web, tmp_path: Path, small: Sample) -> None:
    content = small.contents["train-images-idx3-ubyte"]
    web.files["train-images-idx3-ubyte.gz"] = gzip.compress(content[:-1] + bytes([content[-1] ^ 1]))
    assert "train-images-idx3-ubyte is not the official file" in complaint(small, web.address, tmp_path)
    assert snapshot(tmp_path) == {}


def test_a_body_that_is_far_too_long_is_given_up(web: Web, tmp_path: Path, small: Sample) -> None:
    web.files["train-images-idx3-ubyte.gz"] = bytes(1_000_000)
    assert "too long" in complaint(small, web.address, tmp_path)


def test_a_body_cut_short_leaves_nothing(web: Web, tmp_path: Path, small: Sample) -> None:
    web.sends = 0.5
    assert "train-images-idx3-ubyte is truncated" in complaint(small, web.address, tmp_path)
    assert snapshot(tmp_path) == {}


def test_a_missing_file_is_a_mirror_that_cannot_be_used(web: Web, tmp_path: Path, small: Sample) -> None:
    del web.files["train-images-idx3-ubyte.gz"]
    assert "could not be reached (Not Found)" in complaint(small, web.address, tmp_path)
    assert web.asked == ["train-images-idx3-ubyte.gz"]


def test_a_refused_connection_is_explained(tmp_path: Path, small: Sample) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "Connection refused" in complaint(small, f"http://127.0.0.1:{port}/", tmp_path)


def test_a_silent_server_is_given_up_after_the_time_out(tmp_path: Path, small: Sample) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        message = complaint(small, f"http://127.0.0.1:{silent.getsockname()[1]}/", tmp_path, timeout=0.2)
    assert "could not be reached" in message
    assert time.monotonic() - began < 2


def test_a_request_to_stop_is_followed_while_a_server_is_silent(tmp_path: Path, small: Sample) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(Cancelled):
            fetch(small.release.files, address, tmp_path, 0.5, quiet, lambda: time.monotonic() > began + 0.1)
        assert time.monotonic() - began < 0.4
    _wait_for_threads()


def test_a_request_to_stop_in_the_middle_of_a_file_leaves_nothing(web: Web, tmp_path: Path, small: Sample) -> None:
    web.pause = 0.005
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        fetch(small.release.files, web.address, tmp_path, 5.0, seen.append, lambda: bool(seen))
    assert 0 < seen[-1].done < len(small.packed["train-images-idx3-ubyte.gz"])
    assert snapshot(tmp_path) == {}


def test_a_look_up_that_hangs_is_given_up_after_the_time_out(
    tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(5) and [])
    message = complaint(small, "http://mirror.invalid/", tmp_path, timeout=0.1)
    end.set()
    assert message == "could not be reached (no response within 0.1 s)"
    _wait_for_threads()


def test_a_request_to_stop_is_followed_while_a_body_stalls(web: Web, tmp_path: Path, small: Sample) -> None:
    web.sends, web.stall = 0.5, 1.0
    seen: list[Progress] = []
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(small.release.files, web.address, tmp_path, 5.0, seen.append, lambda: bool(seen))
    assert time.monotonic() - began < 0.8
    assert snapshot(tmp_path) == {}


def test_a_body_that_stalls_is_given_up_after_the_time_out(web: Web, tmp_path: Path, small: Sample) -> None:
    web.sends, web.stall = 0.5, 1.0
    assert "could not be reached (" in complaint(small, web.address, tmp_path, timeout=0.2)


def test_after_a_stop_the_next_fetch_goes_on_with_the_files_that_lack(web: Web, tmp_path: Path, small: Sample) -> None:
    first, *others = small.packed
    with pytest.raises(Cancelled):
        fetch(small.release.files, web.address, tmp_path, 5.0, quiet, lambda: len(web.asked) > 1)
    assert snapshot(tmp_path) == {first: len(small.packed[first])}
    web.asked.clear()
    fetch(small.release.files, web.address, tmp_path, 5.0, quiet, never)
    assert web.asked == others
    assert len(snapshot(tmp_path)) == 4


def test_a_full_disk_is_reported_and_leaves_nothing(web: Web, tmp_path: Path, small: Sample) -> None:
    with space_for(1000):
        message = complaint(small, web.address, tmp_path)
    assert message.startswith(f"cannot write to {tmp_path}: File too large; fix this, or set XDG_CACHE_HOME")
    assert snapshot(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_named(web: Web, tmp_path: Path, small: Sample) -> None:
    (tmp_path / "file").touch()
    assert f"cannot write to {tmp_path / 'file' / 'kept'}" in complaint(small, web.address, tmp_path / "file" / "kept")


def _wait_for_threads() -> None:
    """The thread that waits for the silent server ends by itself at the time-out."""
    end = time.monotonic() + 5
    while threading.active_count() > 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == 1
