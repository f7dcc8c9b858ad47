from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fmnist_tui.analysis

HEAVY = ("matplotlib", "scipy.stats", "torch", "textual", "rich", "click", "PIL")


def test_the_package_imports_nothing_slow() -> None:
    packages = Path(fmnist_tui.analysis.__file__).parent
    files = [path.relative_to(packages).with_suffix("") for path in packages.rglob("*.py") if path.stem != "__init__"]
    modules = sorted(".".join(file.parts) for file in files)
    code = "\n".join(
        [
            "import sys",
            *(f"import fmnist_tui.analysis.{module}" for module in modules),
            f"print([name for name in {HEAVY!r} if name in sys.modules])",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
