"""The code that this user named, and no other; entry points; names of models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builtin_names import LISTED
from torch import nn

from fmnist_tui.models import named, registry
from fmnist_tui.models.examine import examine
from fmnist_tui.models.named import (
    entry_points,
    is_known,
    is_named,
    listed,
    name_model,
    refresh,
    remember,
    remembered,
    take,
)
from fmnist_tui.models.registry import UnknownModelError, find_model, get_model
from fmnist_tui.models.source import ModelSource, SourceError, current, recorded_text
from fmnist_tui.paths import state_folder

NET = "from torch import nn\ndef {name}():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"


@pytest.fixture(autouse=True)
def own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are checked in this process, and what a test names is gone after it."""
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(named, "check_model", examine)


def written(folder: Path, name: str = "Net", file: str = "net.py") -> Path:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(NET.format(name=name), encoding="utf-8")
    return path


def test_a_model_that_is_named_is_known_and_remembered(tmp_path: Path) -> None:
    written(tmp_path)
    spec = name_model("net.py:Net", tmp_path)
    assert spec.name == "net"
    assert find_model("net") is spec
    assert spec.source is not None
    assert is_named(spec.source)
    assert [(one.name, one.source) for one in remembered()] == [("net", spec.source)]
    assert [one.name for one in listed()] == ["net"]
    network = spec.build((1, 28, 28), 10)
    assert isinstance(network, nn.Module)
    assert sum(value.numel() for value in network.parameters()) == 7850
    again = name_model("net", tmp_path / "elsewhere")
    assert again.source == spec.source


def test_code_that_was_not_named_or_has_changed_is_never_run(tmp_path: Path) -> None:
    file = written(tmp_path)
    source = examine("net.py:Net", tmp_path, (1, 28, 28), 10)
    file.write_text("raise SystemExit('it was run')")
    with pytest.raises(SourceError, match="has changed since it was checked"):
        source.spec("net").build((1, 28, 28), 10)
    evil = current(source)
    with pytest.raises(SourceError, match=r"the code .*net\.py:Net was never named by you, so it isn't run"):
        evil.spec("net").build((1, 28, 28), 10)
    written(tmp_path)
    remember(source)
    assert is_named(source)
    file.write_text("raise SystemExit('it was run')")
    assert is_known(evil)
    assert not is_named(evil), "naming a file doesn't name what it becomes"
    with pytest.raises(SourceError, match="was never named by you"):
        evil.spec("net").build((1, 28, 28), 10)
    with pytest.raises(SourceError, match="has changed"):
        recorded_text(source)


def test_a_run_can_t_pass_other_code_off_as_named(tmp_path: Path) -> None:
    written(tmp_path)
    spec = name_model("net.py:Net", tmp_path)
    assert spec.source is not None
    written(tmp_path / "evil")
    (tmp_path / "evil" / "torch.py").write_text("raise SystemExit('it was run')")
    written(tmp_path, file="copy.py")
    (tmp_path / "net.py").write_text("raise SystemExit('it was run')")
    for source in (
        replace(spec.source, folder=str(tmp_path / "evil")),
        replace(spec.source, files=("evil/net.py",)),
        replace(spec.source, files=("copy.py",)),
        replace(spec.source, file=str(tmp_path / "copy.py"), files=("copy.py",)),
        replace(spec.source, file=str(tmp_path / "evil" / "net.py"), folder=str(tmp_path / "evil")),
    ):
        with pytest.raises(SourceError, match=r"is damaged|was never named"):
            source.spec("net").build((1, 28, 28), 10)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("Net", "net"),
        ("ResNet18", "resnet18"),
        ("my_net", "mynet"),
        ("V3", "v3custom"),
        ("v12", "v12custom"),
        ("All", "allcustom"),
        ("_1", "custom"),
        ("Größe", "gre"),
        ("A" * 50, "a" * 20),
    ],
)
def test_the_name_is_derived_from_the_functions(function: str, name: str, tmp_path: Path) -> None:
    source = ModelSource(f"net.py:{function}", function, str(tmp_path / "net.py"), folder=str(tmp_path))
    assert remember(source) == name
    assert remember(replace(source, sha256="b")) == name, "the same function keeps its name"


def test_functions_of_the_same_name_get_different_ones(tmp_path: Path) -> None:
    names = []
    for folder in "abc":
        written(tmp_path / folder)
        names.append(name_model("net.py:Net", tmp_path / folder).name)
    assert names == ["net", "net2", "net3"]
    names = [remember(ModelSource("x", "Net2", f"/{folder}/net.py")) for folder in "ab"]
    assert names == ["net2x2", "net2x3"]


def test_a_changed_file_is_checked_again_before_it_is_trained(tmp_path: Path) -> None:
    file = written(tmp_path)
    spec = name_model("net.py:Net", tmp_path)
    assert refresh(spec, (1, 28, 28), 10) is spec
    assert refresh(get_model("v1"), (1, 28, 28), 10) is get_model("v1")
    file.write_text(NET.format(name="Net").replace("784, 10", "784, 10, bias=False"))
    changed = refresh(spec, (1, 28, 28), 10)
    assert changed.source is not None
    assert changed.source.table.parameters == 7840
    assert changed.source.given == "net.py:Net"
    assert is_named(changed.source)
    file.write_text("")
    with pytest.raises(SourceError, match="there is no Net"):
        refresh(spec, (1, 28, 28), 10)


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    written(tmp_path)
    name_model("net.py:Net", tmp_path)
    with pytest.raises(UnknownModelError, match=rf"unknown model 'nut' \(choose from {LISTED}, net\), or name"):
        name_model("nut", tmp_path)


def install(folder: Path, module: str, points: dict[str, str]) -> None:
    """An installed package with entry points, as pip leaves it."""
    site = folder / "site-packages"
    info = site / "somenets-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somenets\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[fmnist_tui.models]\n{lines}")
    (site / "somenets").mkdir()
    (site / "somenets" / "__init__.py").write_text(module)
    sys.path.insert(0, str(site))


def test_an_installed_entry_point_is_listed_without_running_it_and_trained_by_its_name(tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    module = f"open({str(marker)!r}, 'w').close()\n{NET.format(name='make')}"
    install(tmp_path, module, {"somenet": "somenets:make", "v1": "somenets:make", "odd-name": "somenets:make"})
    assert entry_points() == {"odd-name": "somenets:make", "somenet": "somenets:make", "v1": "somenets:make"}
    (spec,) = listed()
    assert (spec.name, spec.title) == ("somenet", "somenets:make")
    assert not marker.exists()
    taken = name_model("somenet", Path("/"))
    assert marker.exists()
    assert taken.source is not None
    assert taken.source.files == ("somenets/__init__.py",)
    assert taken.source.given == "somenet"
    assert taken.name == "somenet"
    assert list(map(str, listed())) == [str(taken)]
    assert name_model("v1", Path("/")) is get_model("v1"), "no package takes a built-in model's name"


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.clear(),
        lambda record: record.update(checksums="abc"),
        lambda record: record["model"].update(file="/other/net.py"),
        lambda record: record["model"].pop("sha256"),
    ],
)
def test_a_damaged_entry_names_nothing(damage: Damage) -> None:
    source = ModelSource("net.py:Net", "Net", "/a/net.py", folder="/a", sha256="abc")
    take(source, "net.py:Net")
    (file,) = (state_folder() / "models").iterdir()
    record = json.loads(file.read_text())
    damage(record)
    file.write_text(json.dumps(record))
    assert not is_named(source)
    assert remembered() == []
