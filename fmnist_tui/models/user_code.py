"""Running a user's code: importing it, calling what builds the network, and saying in which of its lines it fails.

Only code that the user named gets here (see `named`); nothing in a run's folder is ever imported.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from fmnist_tui.files import exists, is_file, is_folder
from fmnist_tui.models.source import ModelSource, SourceError
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.paths import without_tilde
from fmnist_tui.text import safe

_REFERENCE = re.compile(r"(?P<place>.+):(?P<name>[^:/\\]*)", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_INSTALLED = {"site-packages", "dist-packages"}
_CLASSES = ("classes", "num_classes")
_LONGEST = 300

_imported: dict[str, ModuleType] = {}
"""The user's modules of the last import: they are forgotten before the next one, which may have equal names."""


@dataclass
class Place:
    """Where code was looked for, and the name of the part that is run, to say where an error is."""

    source: ModelSource
    base: Path | None = None
    """Files below it are shown relative to it."""
    stage: str = "import"

    @property
    def shown(self) -> str:
        """The model's file, for people."""
        return self._shown(self.source.file)

    def error(self, text: str, line: int | None = None) -> SourceError:
        """An error about the named class or function; without a line, at its definition."""
        where = line or self._definition()
        return SourceError(f"{self.shown}{f':{where}' if where else ''}: {_line(text)}")

    def failed(self, error: BaseException) -> SourceError:
        """An error that the code raised, at the innermost line of the user's."""
        kind, text = type(error).__name__, _line(error.msg if isinstance(error, SyntaxError) else str(error))
        if isinstance(error, SystemExit):
            kind, text = "it ends the program", f"exit {text}" if text else ""
        message = f"{kind}: {text}" if text else kind
        where = self.line_of(error)
        if where is None:
            return self.error(f"{self._stage}{message}")
        return SourceError(f"{where}: {self._stage}{message}")

    @property
    def _stage(self) -> str:
        return "" if self.stage == "import" else f"in {self.stage}: "

    def line_of(self, error: BaseException) -> str | None:
        """The innermost frame in the user's files as "file:line"; None if there is none."""
        if isinstance(error, SyntaxError) and error.filename and self._is_local(error.filename):
            return f"{self._shown(error.filename)}:{error.lineno or 1}"
        return self.innermost(traceback.extract_tb(error.__traceback__))

    def innermost(self, frames: traceback.StackSummary) -> str | None:
        """The same for a stack, the outermost frame first."""
        own = [one for one in frames if self._is_local(one.filename)]
        return f"{self._shown(own[-1].filename)}:{own[-1].lineno}" if own else None

    def _is_local(self, file: str) -> bool:
        return is_local(Path(file), self.source)

    def _shown(self, file: str) -> str:
        path = Path(file)
        return safe(path.relative_to(self.base) if self.base and path.is_relative_to(self.base) else path)

    def _definition(self) -> int | None:
        """The line in which the file binds the name."""
        with suppress(OSError, ValueError, SyntaxError, RecursionError):
            tree = ast.parse(Path(self.source.file).read_bytes())
            return next((node.lineno for node in tree.body if self.source.name in _bound(node)), None)
        return None


def is_local(file: Path, source: ModelSource) -> bool:
    """Whether a file belongs to the user's code: to the folder of the model's file, or to its package.

    Installed packages below that folder, as in a virtual environment, don't.
    """
    root = Path(source.folder)
    if source.module:
        package = root / source.module.partition(".")[0]
        if file == package.with_suffix(".py"):
            return True
        root = package if is_folder(package) else root
    elif _INSTALLED & set(root.parts):
        return file == Path(source.file)
    with suppress(ValueError):
        return not _INSTALLED & set(file.relative_to(root).parts)
    return False


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    if isinstance(node, ast.ImportFrom | ast.Import):
        return {alias.asname or alias.name for alias in node.names}
    return set()


def _line(text: object) -> str:
    """The first line that says something, for one line of output."""
    first = next((line.strip() for line in str(text).splitlines() if line.strip()), "")
    return safe(first)[:_LONGEST]


def build(source: ModelSource, image_shape: ImageShape, classes: int) -> nn.Module:
    """The network, untrained; its weights are drawn from the global generators.

    Raises:
        SourceError: The code fails; the text has the file and the line.
    """
    place = Place(source)
    with importing(source):
        return built(place, image_shape, classes)


def find(text: str, folder: Path) -> Place:
    """Where the code is. Finding a module within a package imports the package.

    Raises:
        SourceError: It isn't a valid name, or there is no such file or module.
    """
    match = _REFERENCE.fullmatch(text)
    place, name = (match["place"], match["name"]) if match else (text, "")
    names_file = place.endswith(".py") or "/" in place
    if not name.isidentifier():
        known = _candidates(Path(folder, without_tilde(place))) if names_file else []
        named = f" ({', '.join(known)})" if known else ""
        what = "FILE.py:NAME" if names_file else "package.module:NAME"
        raise SourceError(f"{safe(text)} doesn't name the class or function{named}: write {what}")
    source = ModelSource(given=safe(text), name=name, file="", folder=str(folder))
    if names_file:
        file = Path(os.path.abspath(folder / without_tilde(place)))  # noqa: PTH100
        if not is_file(file):
            what = "is not a file" if exists(file) else "doesn't exist"
            raise SourceError(f"{safe(place)} {what}; name a file and a class or function in it: net.py:Net")
        return Place(replace(source, file=str(file), folder=str(file.parent)), folder)
    if not _MODULE.fullmatch(place):
        raise SourceError(
            f"{safe(place)} is neither a .py file nor a module; write FILE.py:NAME or package.module:NAME"
        )
    return _found_module(replace(source, module=place), folder)


def _found_module(source: ModelSource, folder: Path) -> Place:
    place = Place(source, folder)
    with importing(source):
        found = guarded(place, lambda: importlib.util.find_spec(source.module))
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise SourceError(
            f"there is no module {source.module}; it is searched for in {safe(source.folder)} and where "
            "packages are installed"
        )
    file = Path(os.path.abspath(found.origin))  # noqa: PTH100
    depth = source.module.count(".") + (file.name == "__init__.py")
    return Place(replace(source, file=str(file), folder=str(file.parents[depth])), folder)


def _candidates(file: Path) -> list[str]:
    with suppress(OSError, ValueError, SyntaxError, RecursionError):
        body = ast.parse(file.read_bytes()).body
        return [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)][:5]
    return []


def quiet() -> AbstractContextManager[object]:
    """Send to standard error what the code prints, as standard output may be a command's result.

    Only in the main thread: beside a training in another thread, the main one prints events.
    """
    in_main = threading.current_thread() is threading.main_thread()
    return redirect_stdout(sys.stderr) if in_main else nullcontext()


@contextmanager
def importing(source: ModelSource) -> Iterator[dict[str, ModuleType]]:
    """Imports find the modules beside the user's code first; afterwards those come last.

    What earlier code imported from its own folder is forgotten: it may have modules of the same names. Nothing that
    the code prints reaches standard output, which may be a command's result.

    Yields:
        The modules that are imported from the user's files, once the block ends or `_files` asks.
    """
    for name, module in _imported.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
    _imported.clear()
    importlib.invalidate_caches()
    before, written = dict(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # stale bytecode: its timestamps have whole seconds
    sys.path.insert(0, source.folder)
    try:
        with quiet():
            yield before
    finally:
        sys.dont_write_bytecode = written
        with suppress(ValueError):
            sys.path.remove(source.folder)
        if source.folder not in sys.path:
            sys.path.append(source.folder)
        new = {name: module for name, module in sys.modules.items() if before.get(name) is not module}
        own = {name: module for name, module in new.items() if is_own(module, source)}
        _imported.update(own)


def is_own(module: ModuleType, source: ModelSource) -> bool:
    """Whether an imported module is the user's code."""
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)  # a namespace
    return isinstance(file, str) and is_local(Path(os.path.abspath(file)), source)  # noqa: PTH100


def guarded(place: Place, run: Callable[[], Any]) -> Any:
    """What `run` returns; whatever the user's code raises becomes a SourceError."""
    try:
        return run()
    except SourceError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the code may be anybody's
        raise place.failed(error) from None


def _module(place: Place) -> ModuleType:
    source = place.source
    if source.module:
        return importlib.import_module(source.module)
    name = "model_of_" + re.sub(r"\W", "_", Path(source.file).stem)
    found = importlib.util.spec_from_file_location(name, source.file)
    assert found is not None  # noqa: S101 - the file exists, and ends with .py or has a loader of its own
    assert found.loader is not None  # noqa: S101
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def attribute(place: Place) -> Any:
    """The named class or function; imports its module if that has not been done within this block of `importing`.

    Raises:
        SourceError: There is none. What the import raises is passed on.
    """
    module, name = _module_once(place), place.source.name
    if not hasattr(module, name):
        known = [one for one in vars(module) if not one.startswith("_")]
        own = [one for one in known if getattr(getattr(module, one), "__module__", "") == module.__name__]
        there = f"; it defines {', '.join(own[:5])}" if own else ""
        raise SourceError(f"{place.shown}: there is no {name}{there}")
    return getattr(module, name)


def _module_once(place: Place) -> ModuleType:
    name = place.source.module or "model_of_" + re.sub(r"\W", "_", Path(place.source.file).stem)
    module = sys.modules.get(name)
    return module if module is not None and is_own(module, place.source) else _module(place)


def built(place: Place, image_shape: ImageShape, classes: int) -> nn.Module:
    """The network on the CPU, its lazy parameters given their shapes.

    Raises:
        SourceError: The code fails; the text has the file and the line.
    """
    place.stage = "import"
    factory = guarded(place, lambda: attribute(place))
    if isinstance(factory, nn.Module):
        raise place.error(f"{place.source.name} is a network that is built already; name a class or function")
    if not callable(factory):
        raise place.error(f"{place.source.name} is of type {type(factory).__name__}, not a class or function")
    place.stage = f"{place.source.name}()"
    given, named = guarded(place, lambda: _arguments(place, factory, image_shape, classes))
    network = guarded(place, lambda: factory(*given, **named))
    if not isinstance(network, nn.Module):
        raise place.error(f"{place.source.name} returns an object of type {type(network).__name__}, not an nn.Module")
    network.to("cpu")
    place.stage = "forward"
    if any(isinstance(one, nn.parameter.UninitializedParameter) for one in network.parameters()):
        network.eval()
        with torch.no_grad():
            guarded(place, lambda: network(torch.zeros(2, *image_shape)))
    return network


def _arguments(
    place: Place, factory: Callable[..., Any], image_shape: ImageShape, classes: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the class or function is called with: image shape and classes by name or by position, or nothing."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (ValueError, TypeError):  # written in C
        return (), {}
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    values = {"image_shape": image_shape, **dict.fromkeys(_CLASSES, classes)}
    by_name = {one.name: values[one.name] for one in parameters if one.name in values}
    required = [one for one in parameters if one.default is one.empty and one.kind not in variable]
    if all(one.name in by_name and one.kind is not one.POSITIONAL_ONLY for one in required):
        return (), by_name
    if len(required) == 2 and all(one.kind is not one.KEYWORD_ONLY for one in required):
        return (image_shape, classes), {}
    names = ", ".join(one.name for one in required)
    raise place.error(f"{place.source.name} requires ({names}); it must take (image_shape, classes), or nothing")
