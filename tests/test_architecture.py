"""The packages, and what none of them may contain."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fmnist_tui

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "fmnist_tui"
MODULES = sorted(PACKAGE.rglob("*.py"))

LINES = 400

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "socketserver",
    "http.server",
    "xmlrpc.server",
    "multiprocessing.managers",
}

FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "asyncio.start_server",
    "asyncio.start_unix_server",
    "socket.socket",
    "socket.create_server",
    "torch.load",
    "torch.save",
}

LISTENING = {"bind", "listen", "accept", "serve_forever"}

SUBPROCESSES = {"run", "Popen", "call", "check_call", "check_output"}

FORBIDDEN_SETTINGS = {("shell", True), ("allow_pickle", True)}

Check = Callable[[ast.Module], Iterator[ast.AST]]

LINT_IMPORTS = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_the_packages_depend_one_way() -> None:
    check = subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
    kept = re.search(r"Contracts: (\d+) kept, 0 broken", check.stdout)
    assert kept
    assert int(kept[1]) >= 5


def test_a_file_is_short_enough_to_be_read_and_says_what_it_is() -> None:
    long = [str(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > LINES]
    assert long == []
    silent = [str(path) for path in MODULES if not ast.get_docstring(tree_of(path))]
    assert silent == []


def swallowed(tree: ast.Module) -> Iterator[ast.AST]:
    """Handlers that catch everything and do nothing, and suppress() of everything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _is_everything(node.type) and all(map(_is_nothing, node.body)):
            yield node
        if isinstance(node, ast.Call) and _name(node.func).endswith("suppress") and any(map(_is_everything, node.args)):
            yield node


def forbidden_imports(tree: ast.Module) -> Iterator[ast.AST]:
    """Imports of what runs a file's bytes as a program, or listens."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
        if FORBIDDEN_MODULES & set(names):
            yield node


def forbidden_calls(tree: ast.Module) -> Iterator[ast.AST]:
    """Calls that run text or a file's bytes as a program, or listen."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        settings = {(item.arg, item.value.value) for item in node.keywords if isinstance(item.value, ast.Constant)}
        if name in FORBIDDEN_CALLS or settings & FORBIDDEN_SETTINGS or name.rpartition(".")[2] in LISTENING:
            yield node
        if name.startswith("subprocess.") and name[11:] in SUBPROCESSES and _is_one_string(node.args[0]):
            yield node


def text_in_the_locales_encoding(tree: ast.Module) -> Iterator[ast.AST]:
    """Calls that read or write a file as text without saying that it is UTF-8."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func).rpartition(".")[2]
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        if any(item.arg == "encoding" for item in node.keywords):
            continue
        if name == "read_text" and not node.args:
            yield node
        if name == "write_text" and len(node.args) < 2:
            yield node
        modes = [word for word in words if isinstance(word, str) and re.fullmatch(r"[rwax]\+?t?|[rwax]t?\+?", word)]
        if name == "open" and (modes or not node.args):
            yield node


def _name(node: ast.expr) -> str:
    """The dotted name of what is called, or its last part."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}".removeprefix(".")
    return node.id if isinstance(node, ast.Name) else ""


def _is_everything(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_is_everything, node.elts))
    return node is None or _name(node) in ("Exception", "BaseException")


def _is_nothing(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass | ast.Continue)


def _is_one_string(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (swallowed, "try: f()\nexcept Exception: pass"),
        (swallowed, "try: f()\nexcept: ..."),
        (swallowed, "for x in y:\n try: f()\n except (OSError, BaseException): continue"),
        (swallowed, "with contextlib.suppress(Exception): f()"),
        (forbidden_imports, "import pickle"),
        (forbidden_imports, "from http import server"),
        (forbidden_imports, "from socketserver import TCPServer"),
        (forbidden_calls, "eval(text)"),
        (forbidden_calls, "subprocess.run(command, shell=True)"),
        (forbidden_calls, "subprocess.run(f'rm {path}')"),
        (forbidden_calls, "np.load(path, allow_pickle=True)"),
        (forbidden_calls, "torch.load(path)"),
        (forbidden_calls, "socket.socket().listen()"),
        (text_in_the_locales_encoding, "path.read_text()"),
        (text_in_the_locales_encoding, "path.write_text(text)"),
        (text_in_the_locales_encoding, "path.open()"),
        (text_in_the_locales_encoding, "path.open('r+')"),
        (text_in_the_locales_encoding, "open(path, 'w')"),
    ],
)
def test_the_checks_themselves_find_what_they_look_for(check: Check, text: str) -> None:
    assert list(check(ast.parse(text)))


def test_nothing_forbidden_is_in_the_package() -> None:
    """One test for all checks, as to parse the package takes a second."""
    found = [
        f"{path.relative_to(PROJECT)}:{getattr(node, 'lineno', 0)}: {check.__name__}"
        for path in MODULES
        for tree in [tree_of(path)]
        for check in (swallowed, forbidden_imports, forbidden_calls, text_in_the_locales_encoding)
        for node in check(tree)
    ]
    assert found == []


def test_no_word_is_left_of_work_to_be_done() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = [str(path.relative_to(PROJECT)) for path in MODULES if marker.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_the_version_is_that_of_the_built_metadata() -> None:
    assert importlib.metadata.version("fmnist-tui") == fmnist_tui.__version__


def test_the_picture_of_the_architecture_is_drawn_of_this_code(tmp_path: Path) -> None:
    drawn = tmp_path / "architecture.svg"
    subprocess.run([sys.executable, PROJECT / "assets" / "make_architecture.py", drawn], check=True, timeout=60)
    assert drawn.read_text() == (PROJECT / "assets" / "architecture.svg").read_text()
