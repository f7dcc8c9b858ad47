"""A machine whose /dev has made-up GPUs, as far as a process in a mount namespace can tell. Needs root on Linux."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_tui.host.processes import python_environment

_MAKE = """
set -e
for name in null zero full random urandom; do cp -a /dev/$name "$1"; done
touch "$1/nvidia3" "$1/nvidia10" "$1/nvidiactl"
mknod "$1/nvidia4" c 195 250  # there is no such GPU: it can't be opened
mount --bind "$1" /dev
shift
exec "$@"
"""

_ASK = """
import json, os, sys
from fmnist_tui.host.gpus import query_gpus, read_gpus
for visible in sys.argv[1:]:
    environ = {} if visible == "all" else {"CUDA_VISIBLE_DEVICES": visible}
    assert [gpu.key for gpu in query_gpus(environ, 30)] == [gpu.key for gpu in read_gpus(environ).visible]
    print(json.dumps([[gpu.index, gpu.key] for gpu in read_gpus(environ).visible]))
"""


def _may_make_devices() -> bool:
    """Whether we are root, and not in a container that may neither mount nor make device files."""
    if shutil.which("unshare") is None or os.geteuid():
        return False
    attempt = "mount -t tmpfs none /mnt && mknod /mnt/nvidia4 c 195 250"
    return subprocess.run(["unshare", "--mount", "sh", "-c", attempt], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_make_devices(), reason="needs root, mount namespaces and device files")
def test_device_files_are_the_gpus_of_a_job_that_is_given_some_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pynvml.py").write_text("class NVMLError(Exception): pass\ndef nvmlInit(): raise NVMLError('none')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    devices = tmp_path / "dev"
    devices.mkdir()
    ask = [sys.executable, "-c", _ASK, "all", "0", "1", "2", "", "1,0", "0,0"]
    command = ["unshare", "--mount", "sh", "-c", _MAKE, "sh", str(devices), *ask]
    done = subprocess.run(command, env=python_environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    three, ten = "nvidia3", "nvidia10"
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        [[0, three], [1, ten]],
        [[0, three]],
        [[0, ten]],
        [],
        [],
        [[0, ten], [1, three]],
        [],
    ]
