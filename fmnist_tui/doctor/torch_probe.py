"""A separate process that prints PyTorch's devices as JSON: PyTorch may be missing, broken, or hang in a driver."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main() -> None:
    """Import PyTorch and test its devices; an exception ends this process only."""
    torch = importlib.import_module("torch")
    report = {"version": str(torch.__version__), "build": _build(torch.version), "gpu": "", "why_not": ""}
    if torch.backends.mps.is_available():
        report["gpu"] = "mps"
    elif report["build"]:
        try:
            torch.ones(1, device="cuda").add(1).item()  # initialises the driver, allocates memory, runs a kernel
            report["gpu"] = f"cuda:0 {torch.cuda.get_device_name(0)}"
        except (RuntimeError, AssertionError) as error:
            report["why_not"] = str(error)
    sys.stdout.write("\n" + json.dumps(report) + "\n")


def _build(version: Any) -> str:
    """Text like "CUDA 12.6" or "ROCm 6.2"; "" for a CPU build."""
    if version.cuda:
        return f"CUDA {version.cuda}"
    return f"ROCm {version.hip}" if getattr(version, "hip", None) else ""


if __name__ == "__main__":
    main()
