from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fmnist_tui.data.apt import Apt

from .samples import Sample, put, sample


@pytest.fixture
def small() -> Sample:
    return sample()


@dataclass
class Web:
    """A mirror on this machine: what it has, how it misbehaves, and what it was asked for."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    sends: float = 1.0  # the fraction of each file that arrives
    pause: float = 0.0  # seconds between pieces of 1000 bytes
    stall: float = 0.0  # seconds before the connection closes
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.removeprefix("/")
        self.asked.append(name)
        if name not in self.files:
            return handler.send_error(404)
        body = self.files[name]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for start in range(0, int(len(body) * self.sends), 1000):
            handler.wfile.write(body[start : min(start + 1000, int(len(body) * self.sends))])
            time.sleep(self.pause)
        time.sleep(self.stall)
        return None


@contextmanager
def serve(web: Web) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # the client may hang up
                web.answer(self)

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def web(small: Sample, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web = Web(files=small.packed)
    with serve(web):
        yield web


@dataclass
class FakeApt:
    """Scripts in place of apt-get and dpkg-deb. The package is a folder of files."""

    folder: Path
    knows: bool = True

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def script(self, name: str, body: str) -> str:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nhere={shlex.quote(str(self.folder))}\n{body}")
        path.chmod(0o755)
        return str(path)

    def commands(self, *, is_root: bool = False) -> Apt:
        if self.knows:
            (self.folder / "lists").touch()
        return Apt(self.script("apt-get", APT_GET), self.script("dpkg-deb", DPKG_DEB), is_root)


APT_GET = """
echo "$*" >> "$here/log"
case "$*" in
  *update*) touch "$here/lists" ;;
  *--print-uris*)
    test -e "$here/lists" || { echo 'E: Unable to locate package' >&2; exit 100; }
    echo "'http://host.invalid/d.deb' dataset-fashion-mnist_1_all.deb 5 SHA256:0" ;;
  *download*)
    test -e "$here/unreachable" && { echo 'W: first'; echo 'E: Failed to fetch'; exit 100; }
    echo data > dataset-fashion-mnist_1_all.deb ;;
esac
"""

DPKG_DEB = """
test "$1" = -x && test -s "$2" || exit 2
mkdir -p "$3/usr/share/datasets/fashion-mnist"
cp "$here"/package/* "$3/usr/share/datasets/fashion-mnist/"
"""


@pytest.fixture
def fake_apt(tmp_path: Path, small: Sample) -> FakeApt:
    put(tmp_path / "apt" / "package", small.packed)
    return FakeApt(tmp_path / "apt")
