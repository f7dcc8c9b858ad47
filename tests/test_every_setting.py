"""docs/every-setting.md lists every setting as it is defined, and its examples run.

`python -m tests.test_every_setting` writes the tables.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_tui.files import read_json
from fmnist_tui.models.hyperparameters import hyperparameter_options
from fmnist_tui.models.options import Option
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.training.recipe_files import read_recipe_file
from fmnist_tui.training.recipes import configure

PAGE = Path(__file__).parents[1] / "docs" / "every-setting.md"
_PART = re.compile(r"(<!-- (hyper-parameters|models|studies) -->\n).*?(<!-- end -->)", re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def generated() -> str:
    """The page with its tables as they follow from the definitions."""
    tables = {"hyper-parameters": hyperparameter_table, "models": model_table, "studies": study_commands}
    return _PART.sub(
        lambda found: "".join([found[1], *(f"{line}\n" for line in tables[found[2]]()), found[3]]),
        PAGE.read_text("utf-8"),
    )


def hyperparameter_table() -> Iterator[str]:
    v0, cnn = (get_model(name).recipes["tuned"] for name in ("v0", "v1"))
    yield "| setting | `tuned`: v0, others | values | meaning |"
    yield "|---|---|---|---|"
    for option in hyperparameter_options():
        values = [
            option.write(getattr(settings, option.name)) if engine in option.engines else "-"
            for settings, engine in ((v0, "numpy"), (cnn, "torch"))
        ]
        value = values[0] if values[0] == values[1] else ", ".join(values)
        only = f" With {' and '.join(option.optimizers)}." if option.optimizers else ""
        only += "" if "numpy" in option.engines else " Not in v0."
        only += "" if "torch" in option.engines else " v0 alone."
        yield f"| `{option.name}` | {value} | {option.valid} | {in_cell(option.documentation)}{only} |"


def model_table() -> Iterator[str]:
    yield "| setting | default | values | meaning |"
    yield "|---|---|---|---|"
    rows: dict[str, list[tuple[str, Option]]] = {}
    for name in BUILT_IN:
        for option in get_model(name).options:
            rows.setdefault(f"{option.name} {option.valid} {option.documentation}", []).append((name, option))
    for found in rows.values():
        option = found[0][1]
        by_value: dict[str, list[str]] = {}
        for name, one in found:
            by_value.setdefault(one.write(one.default), []).append(name)
        default = "; ".join(f"{value} ({', '.join(names)})" for value, names in by_value.items())
        yield f"| `model.{option.name}` | {default} | {option.valid} | {in_cell(option.documentation)} |"


def study_commands() -> Iterator[str]:
    from fmnist_tui.analysis.probes.studies import STUDIES

    yield "```sh"
    for study in STUDIES:
        yield f"# {study.title}"
        yield from study.commands("tuned")
    yield "```"


def in_cell(text: str) -> str:
    return text.replace("|", "\\|")


def test_the_page_lists_every_setting_as_it_is_defined() -> None:
    assert generated() == PAGE.read_text("utf-8"), "write it with: python -m tests.test_every_setting"


@pytest.mark.parametrize(
    "text", [text for language, text in _BLOCK.findall(PAGE.read_text("utf-8")) if language == "toml"]
)
def test_the_example_of_a_recipe_file_can_be_used(text: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    assert tomllib.loads(text)
    assert configure("v3", "tuned", {}, recipe_file=read_recipe_file(path)).modified


def test_the_examples_run_and_leave_modified_runs(tmp_path: Path) -> None:
    """As they are printed, on 100 images that the program draws, in this process's folder."""
    program = tmp_path / "bin" / "fmnist-tui"
    program.parent.mkdir()
    few = 'case "$1" in train) set -- "$@" --in-app --limit 100 --threads 1 --device cpu;; esac'
    program.write_text(f'#!/bin/sh\n{few}\nexec "{sys.executable}" -m fmnist_tui "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    blocks = [
        text for language, text in _BLOCK.findall(PAGE.read_text("utf-8").partition("## Claims")[0]) if language == "sh"
    ]
    own = {"PATH": f"{program.parent}:{os.environ['PATH']}", "FMNIST_TUI_DATA": "demo"}
    own |= {"FMNIST_TUI_RUNS": str(tmp_path / "runs")}
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(blocks)],
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    manifests = [read_json(path) or {} for path in sorted((tmp_path / "runs").glob("*/run.json"))]
    assert [(one["version"], one["modified"], one["model_options"]) for one in manifests] == [
        ("v0", True, {"hidden": [64, 32]}),
        ("v1", True, {"width": 8}),
    ]
    assert manifests[1]["recipe_file"]["name"] == "my.toml"
    results = [read_json(path) or {} for path in (tmp_path / "runs").glob("*/result.json")]
    assert [one["reason"] for one in results] == ["completed", "completed"]


if __name__ == "__main__":
    PAGE.write_text(generated(), encoding="utf-8")
