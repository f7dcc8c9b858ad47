"""`predict`: pictures in, classes out; what can't be read is one line and doesn't stop the rest."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from inspection.samples import REFERENCE, V0, encoded, enlarged, garments, photograph
from inspection.test_pictures import BROKEN
from PIL import Image

from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory

from .conftest import Fmnist

RUN = (V0[1], "--runs", REFERENCE)


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """A photograph of an ankle boot."""
    path = tmp_path / "boot.jpg"
    path.write_bytes(encoded(photograph(garments()[0][0], (300, 200), (20, 30), 230), "JPEG"))
    return path


def test_a_picture(fmnist: Fmnist, boot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fmnist("predict", *RUN, boot, "--top", 2)
    assert (plain.status, plain.err, len(plain.lines)) == (0, "", 4)
    assert plain.lines[0].startswith(f"{boot}: read (300x200, grey), inverted, levels stretched, cropped to ")
    assert plain.lines[1].split()[:2] == ["Ankle", "boot"]
    assert plain.lines[1].endswith("━" * 30)
    assert plain.lines[3] == f"Predicted by {V0[1]}."
    (found,) = fmnist("predict", *RUN, boot, "--json").json
    keys = "file index predicted class probabilities prepared label blank code_changed"
    assert list(found) == keys.split()
    assert (found["file"], found["index"], found["label"]) == (str(boot), 0, None)
    assert (found["predicted"], found["class"], len(found["probabilities"])) == (9, "Ankle boot", 10)
    assert found["probabilities"][9] == max(found["probabilities"])
    assert sum(found["probabilities"]) == pytest.approx(1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(boot.read_bytes())))
    (piped,) = fmnist("predict", *RUN, "-", "--json").json
    assert piped == {**found, "file": "-"}
    off = fmnist("predict", *RUN, boot, "--no-invert", "--no-levels", "--no-crop", "--no-centre")
    assert off.lines[0] == f"{boot}: read (300x200, grey), scaled to fit 28x28"


def test_the_steps_are_drawn(fmnist: Fmnist, boot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = fmnist("predict", *RUN, boot, "--show").lines
    captions = ["read", "(300x200,", "grey)", "inverted", "levels", "stretched", "cropped", "to"]
    assert lines[1].split()[: len(captions)] == captions
    assert lines[2].startswith("%" * 28)
    assert max(map(len, lines[2:])) <= 120
    assert [line[:9] for line in lines].count("scaled to") == 1
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = fmnist("predict", *RUN, boot, "--show").lines
    assert "▀" in coloured[2]
    assert len(coloured) > len(lines)


def test_a_folder_with_classes(fmnist: Fmnist, tmp_path: Path) -> None:
    images, labels = garments()
    for name, label in (("Bag", 8), ("t_shirt top", 0), ("Ankle boot", 8)):
        (tmp_path / name).mkdir()
        Image.fromarray(images[np.flatnonzero(labels == label)[0], 0]).save(tmp_path / name / "1.png")
    Image.new("L", (28, 28)).save(tmp_path / "Bag" / "2.png")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "0.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    outcome = fmnist("predict", *RUN, tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    head, boot, bag, blank, shirt, accuracy, run = outcome.lines
    assert " (blank)  " in blank
    assert "(blank)" not in bag
    assert head.split() == ["file", "class", "probability", "runner-up"]
    assert [line.split(".png")[1].split()[0] for line in (boot, bag, shirt)] == ["Bag", "Bag", "T-shirt/top"]
    assert accuracy == "Accuracy 50.00%: 2 of 4 pictures in folders named after classes."
    assert run == f"Predicted by {V0[1]}."
    found = fmnist("predict", *RUN, tmp_path, "--json").json
    assert [one["label"] for one in found] == [9, 8, 8, 0]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert fmnist("predict", *RUN, empty).err.startswith(f"error: {empty} contains no pictures; ")


def test_folders_are_matched_to_classes_of_signs_and_of_letters_by_case(fmnist: Fmnist, tmp_path: Path) -> None:
    runs, images = tmp_path / "runs", tmp_path / "images"
    run = RunDirectory(shutil.copytree(Path(REFERENCE, V0[1]), runs / V0[1]))
    config = json.loads(run.run_json.read_bytes())
    config["data"]["classes"] = ["+", "-", "A", "a", "1.5", "15", "shirt", "top hat", "c", "d"]
    write_json(run.run_json, config)
    expected = {"+": 0, "-": 1, "A": 2, "a": 3, "1.5": 4, "15": 5, "SHIRT": 6, "Top_Hat": 7, "=": None, "15.": None}
    for name in expected:
        (images / name).mkdir(parents=True)
        Image.new("L", (28, 28)).save(images / name / "1.png")
    found = fmnist("predict", V0[1], images, "--json", "--runs", runs).json
    assert {Path(one["file"]).parent.name: one["label"] for one in found} == expected


def test_broken_files_are_listed_and_the_good_ones_predicted(fmnist: Fmnist, tmp_path: Path, boot: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, (content, _) in BROKEN.items():
        (folder / name).write_bytes(content)
    hostile = folder / "a\x1b[31m[bold]\n.png"
    hostile.write_bytes(encoded(enlarged(garments()[0][0])))
    np.save(folder / "several.npy", garments()[0][:2])
    outcome = fmnist("predict", *RUN, folder, boot, tmp_path / "none.png")
    assert outcome.status == 1
    errors = outcome.err.splitlines()
    assert len(errors) == len(BROKEN) + 1
    for name, (_, message) in BROKEN.items():
        assert any(line.startswith(f"error: {message.replace('it', str(folder / name), 1)}") for line in errors), name
    assert errors[-1].startswith(f"error: cannot read {tmp_path / 'none.png'}: No such file")
    assert "\x1b" not in outcome.out + outcome.err
    names = [line.split("  ")[0].removeprefix(f"{folder}/") for line in outcome.lines[1:-1]]
    assert names == ["a [31m[bold] .png", "several.npy [0]", "several.npy [1]", str(boot)]
    as_json = fmnist("predict", *RUN, folder, "--json")
    assert as_json.status == 1
    assert [one["index"] for one in json.loads(as_json.out)] == [0, 0, 1]


def test_what_fails_at_once(fmnist: Fmnist, tmp_path: Path, boot: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for arguments, message in (
        ((*RUN, bad), f"{bad} is not a picture"),
        ((*RUN, tmp_path / "none"), f"cannot read {tmp_path / 'none'}: No such file or directory"),
        (("nothing", "--runs", REFERENCE, boot), "nothing"),
        (("v2-20261126-152705-070c", "--runs", REFERENCE, boot), "has no model.safetensors"),
    ):
        outcome = fmnist("predict", *arguments)
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.err.startswith("error: ")
        assert message in outcome.err
        assert len(outcome.err.splitlines()) == 1


def test_a_run_on_other_data_needs_its_images(
    fmnist: Fmnist, finished: RunDirectory, tmp_path: Path, boot: Path
) -> None:
    assert fmnist("predict", finished.run_id, "--runs", finished.path.parent, boot).status == 0
    copied = shutil.copytree(finished.path, tmp_path / "runs" / finished.run_id)
    write_json(RunDirectory(copied).data_json, {"folder": str(tmp_path / "gone")})
    arguments = ("predict", "last", "--runs", tmp_path / "runs", boot)
    assert fmnist(*arguments).err.startswith(f"error: there is no folder {tmp_path / 'gone'}")
    assert fmnist(*arguments, "--no-invert", "--no-levels", "--no-crop", "--no-centre").status == 0
    assert fmnist(*arguments, "--data", "demo").status == 0
