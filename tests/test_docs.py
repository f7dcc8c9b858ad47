"""The documentation: its links lead somewhere, its commands exist, its figures are those of the reference runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.cli import cli
from fmnist_tui.models.examine import examine
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.text import percent

PROJECT = Path(__file__).parents[1]
README = PROJECT / "README.md"
_FOLDERS = (PROJECT / "docs", PROJECT / "assets")
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted(page for folder in _FOLDERS for page in folder.rglob("*.md"))]
MOST_WORDS = 900

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_LINKS = (re.compile(r"\]\(([^)\s]+)\)"), re.compile(r"(?:src|href)=\"([^\"]+)\""))
_PART = re.compile(r"\n(?=\|)|\n\s*\n")
"""Between two rows of a table, or two paragraphs."""
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CALL = re.compile(r"(?:^|[\s/'\"`])fmnist-tui(?=$|[\s'\"`])([^|;&#'\"`\n]*)", re.MULTILINE)
_OPTION = re.compile(r"--?[a-z][a-z-]*")
_SHELL = ("", "sh", "ini")

FOREIGN_OPTIONS = {
    "-c",  # pip
    "--extra-index-url",
    "-n",  # pytest
    "--snapshot-update",
    "--only",  # python -m tests.benchmarks
    "--quick",
    "--growth",
    "--requeue",  # sbatch
    "--array",
    "--cpus-per-task",
    "--signal",
}


def of_pages(*pages: Path) -> pytest.MarkDecorator:
    """A test case for each page."""
    return pytest.mark.parametrize("page", pages or PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


def prose_of(text: str) -> str:
    """A page without its code."""
    return _CODE.sub("", _BLOCK.sub("", text))


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(page: Path, text: str) -> list[str]:
    """The links of a page that lead to no file or heading of the project."""
    return [link for link in links_in(text) if not leads_somewhere(page, link)]


def links_in(text: str) -> Iterator[str]:
    for pattern in _LINKS:
        yield from (link for link in pattern.findall(prose_of(text)) if not re.match("[a-z]+:", link))


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not (target.exists() and target.is_relative_to(PROJECT)):
        return False
    return not anchor or anchor in map(anchor_of, _HEADING.findall(_BLOCK.sub("", target.read_text("utf-8"))))


def faults_of_code(text: str) -> list[str]:
    """What a page's code calls by a name that no command or option has."""
    blocks = [block for language, block in _BLOCK.findall(text) if language in _SHELL]
    faults = [fault for block in blocks for fault in faults_of_calls(block)]
    for part in _PART.split(_BLOCK.sub("", text)):
        codes = [" ".join(code.split()) for code in _CODE.findall(part)]
        # In a table of commands, options belong to those of the first cell.
        row = calls_in(part.split("|")[1]) if part.startswith("|") else []
        for code in codes:
            faults += faults_of_calls(code)
            if not calls_in(code) and code.split()[0] in COMMANDS:
                faults += faults_of_arguments(code)
            elif code.startswith("-") and (name := _OPTION.match(code)):
                known = {option for call in row for option in OPTIONS[call]} if row else ALL_OPTIONS
                faults += [code] * (name[0] not in known)
    return faults


def calls_in(text: str) -> list[str]:
    """The commands that are called by "fmnist-tui COMMAND"; "" for the app."""
    return [command_of(arguments) for arguments in _CALL.findall(text)]


def command_of(arguments: str) -> str:
    """The command in "COMMAND ARGUMENTS"; "" if there is none."""
    first = next(iter(arguments.split()), "")
    return "" if first.startswith("-") else first


def faults_of_calls(text: str) -> list[str]:
    return [fault for arguments in _CALL.findall(text) for fault in faults_of_arguments(arguments)]


def faults_of_arguments(text: str) -> list[str]:
    """What is wrong with "COMMAND ARGUMENTS": no such command, no such option of it, no such choice of the option."""
    name = command_of(text)
    if name.isupper():  # a placeholder
        return []
    if name and name not in COMMANDS:
        return [text]
    words = [word.strip("[]().,") for word in text.split()]
    faults = []
    for index, word in enumerate(words):
        option, _, value = word.partition("=")
        if not option.startswith("-") or option in HELP:
            continue
        found = OPTIONS[name].get(option)
        if found is None:
            faults.append(f"{name} {option}")
        if found and isinstance(found.type, click.Choice):
            value = value or next(iter(words[index + 1 :]), "")
            faults += [f"{name} {option} {value}"] * (bool(value) and value not in found.type.choices)
    return faults


def _tree() -> dict[str, click.Command]:
    """All commands by name; the app's is ""."""
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {"": cli, **{name: command for name, command in commands.items() if command}}


COMMANDS = _tree()


def _options(command: click.Command) -> dict[str, click.Parameter]:
    """A command's options by name, with those of its subcommands; the app's own commands are listed apart."""
    parts = command.commands.values() if isinstance(command, click.Group) and command is not cli else ()
    found = {text: option for option in command.params for text in option.opts + option.secondary_opts}
    return {**found, **{text: option for part in parts for text, option in _options(part).items()}}


OPTIONS = {name: _options(command) for name, command in COMMANDS.items()}
HELP = {"--help", "-h"}
ALL_OPTIONS = {option for options in OPTIONS.values() for option in options} | HELP | FOREIGN_OPTIONS


@cache
def reference_runs() -> list[Run]:
    return read_runs(PROJECT / "assets" / "reference" / "runs")


@cache
def compared(recipe: str) -> Comparison:
    return compare(reference_runs(), recipe)


def rows_of_results(page: Path) -> dict[str, list[str]]:
    """The cells of each model's row in the table of test accuracies."""
    table = page.read_text("utf-8").partition("reported by the original project |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return {row[0].split(",")[0]: row[1:] for row in rows}


@of_pages()
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text("utf-8")) == []


@of_pages()
def test_commands_and_options_exist(page: Path) -> None:
    assert faults_of_code(page.read_text("utf-8")) == []


def test_every_page_is_found_from_the_readme() -> None:
    linked = {(README.parent / link.partition("#")[0]).resolve() for link in links_in(README.read_text("utf-8"))}
    assert set((PROJECT / "docs").glob("*.md")) <= linked


def test_every_command_and_option_is_documented() -> None:
    text = (PROJECT / "docs" / "commands.md").read_text("utf-8")
    blocks = " ".join(block for _, block in _BLOCK.findall(text))
    codes = " ".join([blocks, *_CODE.findall(_BLOCK.sub("", text))])
    assert [name for name in COMMANDS if f"fmnist-tui {name}".strip() not in codes] == []
    long = {option for option in ALL_OPTIONS - FOREIGN_OPTIONS - HELP if option.startswith("--")}
    assert sorted(option for option in long if not re.search(rf"{option}(?![\w-])", codes)) == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").split()) < MOST_WORDS


@of_pages(README, PROJECT / "docs" / "results.md")
def test_the_table_of_results_has_the_accuracies_of_the_reference_runs(page: Path) -> None:
    tuned, origin = (
        {one.version: one.test_accuracy for one in compared(recipe).versions} for recipe in ("tuned", "origin")
    )
    expected = {}
    for model, three in tuned.items():
        spec = find_model(model)
        assert three.sd is not None
        assert three.interval is not None
        assert spec is not None
        low, high = (f"{100 * end:.2f}" for end in (three.interval.low, three.interval.high))
        expected[model] = [
            f"**{100 * three.mean:.2f} ± {percent(three.sd)}** ({low} to {high})",
            percent(origin[model].mean),
            percent(spec.reported.accuracy) if spec.reported else "",
        ]
    assert rows_of_results(page) == expected


@pytest.mark.parametrize("number", [0, 1])
def test_the_example_of_a_model_can_be_trained(number: int, tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "your-own-model.md").read_text("utf-8")
    example = [block for language, block in _BLOCK.findall(page) if language == "python"][number]
    (tmp_path / "net.py").write_text(example, encoding="utf-8")
    name = ("Net", "linear")[number]
    assert examine(f"net.py:{name}", tmp_path, (1, 28, 28), 10).table.parameters in (16_394, 7_850)


def test_the_readme_states_how_long_v0_took() -> None:
    results = [run.result for run in reference_runs() if run.version == "v0" and run.recipe == "tuned"]
    seconds = [result.seconds for result in results if result and result.seconds]
    assert len(seconds) == len(results)
    assert f"({min(seconds):.0f} to {max(seconds):.0f} s" in README.read_text("utf-8")


def test_the_readme_states_what_was_measured_on_shifted_and_on_permuted_images() -> None:
    text = " ".join(README.read_text("utf-8").split())
    best = {one.best_run: one.version for one in compared("origin").versions}
    found = {best[run.run_id]: read_findings(run) for run in reference_runs() if run.run_id in best}
    shifts = {model: found[model].shifts for model in ("v0", "v1")}
    for one in shifts.values():
        assert one is not None
        assert f"from {percent(one.mean[0])} to {percent(one.mean[2])}" in text
    permuted = found["v1"].permuted
    assert permuted is not None
    assert f"v1 loses {100 * (permuted.plain_test - permuted.permuted_test):.2f} points" in text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("`fmnist-tui trian v0`", "trian v0"),
        ("`fmnist-tui train v0 --epoch 3`", "train --epoch"),
        ("`resume --force`", "resume --force"),
        ("`fmnist-tui results --format html`", "results --format html"),
        ("```sh\n.venv/bin/fmnist-tui runs --all   # none\n```", "runs --all"),
        ("`--no-such-option`", "--no-such-option"),
        ("| `fmnist-tui runs` | `--json`, `--detach` |", "--detach"),
        ("`pytest -m\nslow` and `fmnist-tui\nrun`", "run"),
    ],
)
def test_an_unknown_name_is_found(text: str, fault: str) -> None:
    assert [one.strip() for one in faults_of_code(text)] == [fault]


@pytest.mark.parametrize(
    "text", ["[a](missing.md)", "[a](README.md#no-such-heading)", "![a](assets/none.svg)", '<img src="none.svg">']
)
def test_a_dead_link_is_found(text: str) -> None:
    assert len(broken_links(README, text)) == 1
