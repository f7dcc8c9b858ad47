"""A user's file, imported and tried out: what works, and in which of its lines everything else fails."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
import torch

from fmnist_tui.models.check import check_model
from fmnist_tui.models.examine import examine
from fmnist_tui.models.layer_table import Layer
from fmnist_tui.models.source import ModelSource, SourceError, checksum, read_text, shortened
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE
from fmnist_tui.models.user_code import build

HEAD = "import torch\nfrom torch import nn\n"
MODULE = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(784, 10)
"""
"""Lines 3 to 6 of a file that begins with HEAD."""


@pytest.fixture(autouse=True)
def same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports start in no folder of an earlier test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def written(folder: Path, text: str, name: str = "net.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def examined(folder: Path, text: str = "net.py:Net", shape: tuple[int, int, int] = FASHION_MNIST_SHAPE) -> ModelSource:
    return examine(text, folder, shape, 10)


BROKEN = {
    "syntax error": ("x = 1\ndef net(:\n", "net.py:2: SyntaxError: invalid syntax"),
    "indentation": ("def net():\nreturn 1\n", "net.py:2: IndentationError: expected an indented block"),
    "missing package": ("\nimport torchfoo\n", "net.py:2: ModuleNotFoundError: No module named 'torchfoo'"),
    "missing in a package": (
        "from torch.nn import Convolution\n",
        "net.py:1: ImportError: cannot import name 'Convolution'",
    ),
    "relative import": ("from .blocks import Net\n", "net.py:1: ImportError: attempted relative import"),
    "import raises": ("def f():\n    return 1 / 0\nf()\n", "net.py:2: ZeroDivisionError: division by zero"),
    "import exits": ("import sys\nprint('bye')\nsys.exit(3)\n", "net.py:3: it ends the program: exit 3"),
    "missing attribute": (HEAD + "class Network(nn.Module): ...\n", "net.py: there is no Net; it defines Network"),
    "no class or function": ("\nNet = 3\n", "net.py:2: Net is of type int, not a class or function"),
    "built already": (HEAD + "Net = nn.Linear(784, 10)\n", "net.py:3: Net is a network that is built already"),
    "no module": ("def Net():\n    return [1]\n", "net.py:1: Net returns an object of type list, not an nn.Module"),
    "parameters made in forward": (
        HEAD + MODULE + "    def forward(self, x):\n"
        "        self.more = nn.Linear(10, 10)\n"
        "        return self.more(self.out(x.flatten(1)))\n",
        "net.py:7: forward makes parameter more.weight, which wouldn't be trained; make it in __init__",
    ),
    "reserved name": (
        HEAD + "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.optimizer = nn.Linear(784, 10)\n",
        "net.py:3: optimizer.weight: rename optimizer, which is the name of the optimiser in checkpoints",
    ),
    "other arguments": (
        HEAD + "class Net(nn.Module):\n    def __init__(self, depth, width, heads): ...\n",
        "net.py:3: Net requires (depth, width, heads); it must take (image_shape, classes), or nothing",
    ),
    "constructor raises": (
        HEAD + "class Net(nn.Module):\n    def __init__(self):\n        self.a = nn.Linear(1, 1)\n",
        "net.py:5: in Net(): AttributeError: cannot assign module before Module.__init__() call",
    ),
    "constructor exits": (HEAD + "def Net():\n    exit(1)\n", "net.py:4: in Net(): it ends the program: exit 1"),
    "no parameters": (HEAD + "def Net(): return nn.Flatten()\n", "net.py:3: Net has no parameters to train"),
    "frozen": (
        HEAD + "def Net():\n    return nn.Linear(784, 10).requires_grad_(False)\n",
        "net.py:3: Net has no parameters to train",
    ),
    "half precision": (
        HEAD + "def Net():\n    return nn.Linear(784, 10).bfloat16()\n",
        "net.py:3: parameter weight is of type torch.bfloat16; it must be float32 or float64",
    ),
    "no forward": (HEAD + MODULE, "net.py:3: in forward, training: NotImplementedError: Module [Net] is missing"),
    "forward raises": (
        HEAD + MODULE + "    def forward(self, x):\n        return self.out(x)\n",
        "net.py:8: in forward, training: RuntimeError: mat1 and mat2 shapes cannot be multiplied (112x28 and 784x10)",
    ),
    "wrong shape": (
        HEAD + MODULE + "    def forward(self, x):\n        return self.out(x.flatten(1))[:, :5]\n",
        "net.py:7: forward returns a tensor of shape (4, 5), not logits of shape (4, 10) for 4 images",
    ),
    "no tensor": (
        HEAD + MODULE + "    def forward(self, x):\n        return self.out(x.flatten(1)), x\n",
        "net.py:7: forward returns an object of type tuple, not logits of shape (4, 10) for 4 images",
    ),
    "not finite": (
        HEAD + MODULE + "    def forward(self, x):\n        return self.out(x.flatten(1)) / 0\n",
        "net.py:7: forward returns values that are not finite (training)",
    ),
    "no gradient": (
        HEAD + MODULE + "    def forward(self, x):\n        return self.out(x.flatten(1)).detach()\n",
        "net.py:7: forward returns logits that don't depend on the parameters",
    ),
    "fails in evaluation": (
        HEAD + MODULE + "    def forward(self, x):\n        assert self.training, 'no'\n"
        "        return self.out(x.flatten(1))\n",
        "net.py:8: in forward, evaluation: AssertionError: no",
    ),
    "fails in another file": (
        "from blocks import block\nNet = block\n",
        "blocks.py:2: in Net(): ValueError: no such block",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_line_with_the_file_and_the_line(case: str, tmp_path: Path) -> None:
    text, expected = BROKEN[case]
    written(tmp_path, text)
    written(tmp_path, "def block():\n    raise ValueError('no such block')\n", "blocks.py")
    with pytest.raises(SourceError) as caught:
        examined(tmp_path)
    message = str(caught.value)
    assert message.startswith(expected)
    assert message.isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net.py", r"net\.py doesn't name the class or function \(Net, make\): write FILE\.py:NAME"),
        ("net.py:", r"net\.py: doesn't name the class or function"),
        ("net.py:a-b", r"doesn't name the class or function"),
        ("nix.py:Net", r"^nix\.py doesn't exist; name a file"),
        ("folder.py:Net", r"^folder\.py is not a file"),
        ("no.such.package:Net", r"No module named 'no'"),
        ("nosuchmodule:Net", r"^there is no module nosuchmodule; it is searched for in "),
        ("a b:Net", r"^a b is neither a \.py file nor a module"),
        ("math:sqrt", r"^there is no module math"),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_to_write(text: str, expected: str, tmp_path: Path) -> None:
    written(tmp_path, "class Net: ...\ndef make(): ...\n")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(SourceError, match=expected):
        examined(tmp_path, text)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "image_shape, classes",
        "shape, n",
        "*, image_shape, classes",
        "image_shape=(1, 28, 28), num_classes=10, width=8",
        "classes",
        "width=16, *more, **others",
    ],
)
def test_a_factory_is_called_as_it_wants(signature: str, tmp_path: Path) -> None:
    written(tmp_path, f"{HEAD}def Net({signature}):\n    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))\n")
    assert examined(tmp_path).table.parameters == 7850


def test_a_class_gets_the_shape_and_the_classes_of_the_images(tmp_path: Path) -> None:
    text = """
    import torch
    from torch import nn
    from math import prod

    class Net(nn.Module):
        '''A head of one layer.

        And more.
        '''
        def __init__(self, image_shape, classes):
            super().__init__()
            self.out = nn.Linear(prod(image_shape), classes)
        def forward(self, x):
            print("never on standard output")
            return self.out(x.flatten(1))
    """
    file = written(tmp_path, textwrap.dedent(text))
    found = examined(tmp_path, shape=(3, 8, 8))
    assert found.layers == (Layer("out", "Linear", (10,), 1930, 1920),)
    assert (found.title, found.description) == ("net.py:Net", "A head of one layer.")
    assert (found.file, found.folder, found.files) == (str(file), str(tmp_path), ("net.py",))
    assert found.sha256 == checksum(file.read_bytes())
    assert ModelSource.from_json(found.to_json()) == found


def test_local_modules_belong_to_the_source_and_installed_ones_do_not(tmp_path: Path) -> None:
    written(
        tmp_path,
        "from torch import nn\nimport installed\nfrom blocks import width\ndef Net():\n"
        "    from later import last\n    return nn.Sequential(nn.Flatten(), nn.LazyLinear(last))\n",
    )
    written(tmp_path, "width = 3\n", "blocks.py")
    written(tmp_path, "last = 10\n", "later.py")
    library = written(tmp_path, "", ".venv/lib/site-packages/installed.py")
    sys.path.append(str(library.parent))
    found = examined(tmp_path)
    assert found.files == ("net.py", "blocks.py", "later.py")
    text = read_text(found)
    assert text.startswith(b"# ==== net.py ====\nfrom torch")
    assert b"# ==== blocks.py ====\nwidth = 3\n" in text
    written(tmp_path, "width = 4\n", "blocks.py")
    assert checksum(read_text(found)) != found.sha256
    (tmp_path / "later.py").unlink()
    with pytest.raises(SourceError, match=r"the code of net\.py:Net is gone: .*later\.py doesn't exist"):
        read_text(found)


def test_a_module_of_a_package_is_found_from_the_working_directory(tmp_path: Path) -> None:
    written(tmp_path, "", "mypackage/__init__.py")
    written(tmp_path, "from torch import nn\nfrom ..blocks import block\nNet = block\n", "mypackage/nets/small.py")
    written(
        tmp_path,
        "from torch import nn\ndef block(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))\n",
        "mypackage/blocks.py",
    )
    written(tmp_path, "unrelated = 1\n", "other.py")
    found = examined(tmp_path, "mypackage.nets.small:Net")
    assert found.folder == str(tmp_path)
    assert found.files == ("mypackage/nets/small.py", "mypackage/__init__.py", "mypackage/blocks.py")
    assert found.argument == "mypackage.nets.small:Net"
    written(
        tmp_path, "from torch import nn\ndef block(shape, classes):\n    raise ValueError(3)\n", "mypackage/blocks.py"
    )
    with pytest.raises(SourceError, match=r"^mypackage/blocks\.py:3: in Net\(\): ValueError: 3$"):
        examined(tmp_path, "mypackage.nets.small:Net")


def test_two_files_may_have_modules_of_the_same_name(tmp_path: Path) -> None:
    for name, width in (("one", 3), ("two", 5)):
        written(
            tmp_path / name,
            "from torch import nn\nfrom blocks import width\ndef Net():\n"
            "    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.Linear(width, 10))\n",
        )
        written(tmp_path / name, f"width = {width}\n", "blocks.py")
    one, two = (examined(tmp_path / name) for name in ("one", "two"))
    assert one.table.parameters == 785 * 3 + 40
    assert two.table.parameters == 785 * 5 + 60
    assert sum(value.numel() for value in build(one, FASHION_MNIST_SHAPE, 10).parameters()) == one.table.parameters


def test_weights_depend_on_the_generator_alone(tmp_path: Path) -> None:
    written(tmp_path, HEAD + "def Net(): return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))\n")
    found = examined(tmp_path)
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        weights.append(next(build(found, FASHION_MNIST_SHAPE, 10).parameters()))
    assert torch.equal(*weights)


def test_of_very_many_layers_the_rest_is_one_row() -> None:
    rows = shortened([Layer(f"a{number}", "Linear", (3,), 2, 1) for number in range(1000)])
    assert len(rows) == 300
    assert rows[-1] == Layer("...", "701 further layers", (3,), 1402, 701)


@pytest.mark.parametrize(
    "damage",
    [
        {"files": "net.py"},
        {"files": [3]},
        {"file": None},
        {"name": "x" * 5000},
        {"image_shape": [1, 28]},
        {"classes": "10"},
        {"sha256": "a\0b"},
    ],
)
def test_a_damaged_description_is_none(damage: dict[str, object]) -> None:
    good = ModelSource("net.py:Net", "Net", "/a/net.py", folder="/a").to_json()
    assert ModelSource.from_json(good)
    assert ModelSource.from_json({**good, **damage}) is None
    assert ModelSource.from_json({**good, "layers": [["a"], ["a", "b", [3], 1, -1], 3]}) == ModelSource.from_json(good)


def test_the_child_process_survives_what_the_code_does(tmp_path: Path) -> None:
    written(
        tmp_path,
        "import atexit, os, sys, threading, time\nfrom torch import nn\n"
        "print('{}')\nos.write(1, b'noise')\natexit.register(lambda: time.sleep(60))\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "def Net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n",
    )
    assert check_model("net.py:Net", tmp_path).table.parameters == 7850


def test_code_that_hangs_or_ends_the_process_is_reported(tmp_path: Path) -> None:
    written(tmp_path, "import time\ndef Net():\n    while True:\n        time.sleep(0.01)\n")
    with pytest.raises(SourceError, match=r"^net\.py:[34]: still busy after 0\.2 s$"):
        check_model("net.py:Net", tmp_path, seconds=0.2)
    written(tmp_path, "import os\nos._exit(0)\n")
    with pytest.raises(SourceError, match=r"^net\.py:Net ends the process that checks it \(exit status 0\)"):
        check_model("net.py:Net", tmp_path)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_that_a_scripted_module_cannot_be_observed_is_reported_with_its_line(tmp_path: Path) -> None:
    text = "def Net():\n    return torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))\n"
    written(tmp_path, HEAD + text)
    with pytest.raises(SourceError, match=r"net.py:3: in forward: RuntimeError: register_forward_hook is not"):
        examined(tmp_path)
