"""Keys that the user has changed in keys.toml, and the ids by which they are named there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.keymap import KeymapError, read_keymap
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs.help import HelpDialog
from fmnist_tui.tui.keys import Remappable, completed, keymap_fault, known_bindings
from fmnist_tui.tui.startup import import_all

from .driving import loaded, notices, part, text_in, until

import_all()


def written(folder: Path, text: str) -> Path:
    file = folder / "keys.toml"
    file.write_text(text)
    return file


def test_keys_are_read_by_the_id_of_their_action(tmp_path: Path) -> None:
    assert read_keymap(tmp_path / "keys.toml") == {}
    file = written(tmp_path, 'training.stop = "k"\n[dataset]\nnext-page = ["f", "ctrl+f"]\n')
    assert read_keymap(file) == {"training.stop": "k", "dataset.next-page": "f,ctrl+f"}
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())  # as Windows' editors write it
    assert read_keymap(file)["training.stop"] == "k"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training.stop = k", "no valid TOML: Invalid value (at line 1"),
        ("training.stop = 7", 'training.stop needs a key, such as "k"'),
        ('training.stop = ""', "training.stop needs a key"),
        ("training.stop = []", "training.stop needs a key"),
        ("a = " + "[" * 3000, "too deeply nested"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(KeymapError) as raised:
        read_keymap(written(tmp_path, text))
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").mkdir()
    with pytest.raises(KeymapError, match=r"keys\.toml can't be read \(Is a directory\)"):
        read_keymap(tmp_path / "keys.toml")


def test_unknown_ids_are_named_with_the_most_similar_one() -> None:
    assert keymap_fault({"training.stopp": "k"}, known_bindings()) == (
        "there is no training.stopp (did you mean training.stop?)"
    )
    assert keymap_fault({"training.stop": "k"}, known_bindings()) == ""


def test_a_key_that_another_action_of_the_screen_loses_is_named() -> None:
    fault = keymap_fault({"training.stop": "l"}, known_bindings())
    assert fault == "l was the key of training.log, which has none now"
    assert keymap_fault({"training.stop": "l", "training.log": "s"}, known_bindings()) == ""


def test_what_shares_a_key_with_a_changed_action_keeps_it() -> None:
    assert completed({"training.pause": "p"}, known_bindings()) == {"training.pause": "p", "training.continue": "space"}


def test_every_binding_has_an_id_and_each_id_one_action() -> None:
    actions: dict[str, set[str]] = {}
    for owner in all_of(Remappable):
        for binding in owner.__dict__.get("BINDINGS") or []:
            assert binding.id, (owner, binding)
            actions.setdefault(binding.id, set()).add(binding.action.removeprefix("app."))
    assert {name: found for name, found in actions.items() if len(found) > 1} == {}


def all_of(cls: type) -> list[type]:
    children: list[type] = cls.__subclasses__()
    return [one for child in children for one in (child, *all_of(child))]


async def test_changed_keys_work_and_are_shown_and_the_old_ones_do_nothing(
    make_app: Callable[..., FmnistApp], tmp_path: Path
) -> None:
    app = make_app()
    written(tmp_path / "config", 'app.help = "f2"\ndataset.train-test = "k"\ndataset.nothing = "z"\n')
    async with app.run_test() as pilot:
        await loaded(pilot)
        await until(pilot, lambda: "k Train/test" in part(pilot, "KeyLine"), "the new keys are there")
        assert "there is no dataset.nothing" in notices(app)
        await pilot.press("t")
        assert "demo, train" in text_in(pilot, "#caption")
        await pilot.press("k")
        assert "demo, test" in text_in(pilot, "#caption")
        await pilot.press("question_mark")
        assert not isinstance(app.screen, HelpDialog)
        await pilot.press("f2")
        assert isinstance(app.screen, HelpDialog)


@pytest.mark.parametrize(
    ("keymap", "fault"),
    [
        ({"training.stop": "k", "training.smooth": "k"}, "k is the key of both training.smooth and training.stop"),
        ({"training.stop": "q"}, "q is the key of both training.stop and app.quit"),
        ({"training.stop": "q", "app.quit": "Q"}, ""),
        ({"app.quit": "f2", "training.stop": "f2"}, "f2 is the key of both app.quit and training.stop"),
        ({"training.stop": "+"}, "plus was the key of training.zoom-in, which has none now"),
        ({"training.pause": "p", "training.continue": "p"}, ""),
        ({"training.stop": "Escape"}, "there is no key 'Escape' for training.stop"),
        ({"training.stop": "ctrl+f5,alt+x,full_stop,é"}, ""),
    ],
)
def test_keys_that_do_nothing_or_belong_to_two_actions_are_named(keymap: dict[str, str], fault: str) -> None:
    assert keymap_fault(keymap, known_bindings()) == fault
