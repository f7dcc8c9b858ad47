"""Two GPUs that aren't there: a stand-in for the driver, and trainers of v0 that take them for devices of theirs.

The folder of the simulation is in PYTHONPATH of all processes that a test starts. Its `gpus.json` is what the driver
reports; while its file `full` exists, a run that isn't alone on its GPU finds no memory there, and while `tiny` exists
none does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fmnist_tui

GB = 1_000_000_000
KEYS = ("GPU-00000000-1111-2222-3333-444444444444", "GPU-11000000-1111-2222-3333-444444444444")

_PYNVML = """
import json
from pathlib import Path
from types import SimpleNamespace as Record

FOLDER = Path(__file__).parent
class NVMLError(Exception): pass
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return "1.0"
def _gpus(): return json.loads((FOLDER / "gpus.json").read_text())
def nvmlDeviceGetCount(): return len(_gpus())
def nvmlDeviceGetHandleByIndex(index): return _gpus()[index]
def nvmlDeviceGetUUID(gpu): return gpu["uuid"]
def nvmlDeviceGetName(gpu): return "Simulated"
def nvmlDeviceGetMemoryInfo(gpu): return Record(total=gpu["total"], free=gpu["free"], used=0)
def nvmlDeviceGetUtilizationRates(gpu): return Record(gpu=gpu["busy"], memory=0)
def nvmlDeviceGetComputeRunningProcesses_v3(gpu):
    return [Record(pid=int(pid), usedGpuMemory=used) for pid, used in gpu["processes"].items()]
def nvmlDeviceGetGraphicsRunningProcesses_v3(gpu): return []
"""

_SITECUSTOMIZE = """
import importlib.abc, importlib.util, sys
from pathlib import Path

FOLDER = Path(__file__).parent

def devices(module):
    module._is_cpu_only = lambda config: config.device == "cpu"

def start(module):
    from dataclasses import replace
    real = module.resolve_device
    def resolve_device(config, gpu="cuda:0"):
        if config.device == "cpu":
            return real(config, gpu)
        return replace(real(replace(config, device="cpu")), device=gpu)
    module.resolve_device = resolve_device

def conditions(module):
    module._device_name = lambda device: "Simulated"

def task(module):
    real = module.make_engine
    def make_engine(task, **options):
        engine = real(task, **options)
        step = engine.step
        def checked(*given, **named):
            if task.config.device != "cpu" and is_full():
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 is full.")
            return step(*given, **named)
        engine.step = checked
        return engine
    module.make_engine = make_engine

def is_full():
    from fmnist_tui.runs.queue.devices import claims_in_use
    from fmnist_tui.runs.queue.sharing import read_claim
    from fmnist_tui.runs.queue.store import Queue
    if (FOLDER / "tiny").exists():
        return True
    if not (FOLDER / "full").exists() or "--claim" not in sys.argv:
        return False
    mine = read_claim(int(sys.argv[sys.argv.index("--claim") + 1]))
    queue = Queue(Path(sys.argv[sys.argv.index("--queue") + 1]))
    return sum(one.gpu == mine.gpu for one in claims_in_use(queue).values()) > 1

CHANGES = {
    "fmnist_tui.runs.queue.devices": devices,
    "fmnist_tui.runs.start": start,
    "fmnist_tui.runs.conditions": conditions,
    "fmnist_tui.training.task": task,
}

class Changing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name not in CHANGES:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        execute = spec.loader.exec_module
        def changed(module):
            execute(module)
            CHANGES[name](module)
        spec.loader.exec_module = changed
        return spec

sys.meta_path.insert(0, Changing())
"""


class SimulatedGpus:
    """The folder of the simulation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "pynvml.py").write_text(_PYNVML)
        (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE)
        self.set()

    @property
    def python_path(self) -> str:
        """For PYTHONPATH."""
        return f"{self.folder}:{Path(fmnist_tui.__file__).parents[1]}"

    def set(self, **changes: Any) -> None:
        """What the driver reports about both GPUs."""
        usual = {"total": 100 * GB, "free": 90 * GB, "busy": 10, "processes": {}}
        content = json.dumps([{"uuid": key, **usual, **changes} for key in KEYS])
        new = self.folder / "new.json"
        new.write_text(content)
        new.replace(self.folder / "gpus.json")
