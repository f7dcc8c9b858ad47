"""Whether the code of a run's custom model may be run: it is where it was, unchanged, and this user has named it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import write_atomically, write_json
from fmnist_tui.models.check import check_model
from fmnist_tui.models.named import is_known, is_named, take
from fmnist_tui.models.source import ModelSource, SourceError, current, recorded_text
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import Manifest, read_manifest
from fmnist_tui.text import safe
from fmnist_tui.training.config import ConfigError, source_in


@dataclass(frozen=True)
class CodeChoice:
    """What the user says about the code of a run's model.

    Attributes:
        model: Where it is now ("FILE.py:NAME"), which names it; None for where it was.
        accept_changed: Whether to go on with code that has changed.
        folder: The user's working directory; None for this process's.
        command: What the user does, for advice: "resume", "analyse"; "" where changed code can't be accepted.
        arguments: What the command needs beside the run, for advice.
        marks_run: Whether changed code is recorded, which marks the run as modified; not for a look at a prediction.
    """

    model: str | None = None
    accept_changed: bool = False
    folder: Path | None = None
    command: str = "resume"
    arguments: tuple[str, ...] = ()
    marks_run: bool = True

    def command_for(self, run: RunDirectory, *options: str) -> str:
        """A command that works in the user's shell: what the user did, with these options."""
        named = () if self.model is None or "--model" in options else ("--model", self.model)
        return safe(shlex.join(("fmnist-tui", self.command, run.run_id, *options, *named, *self.arguments)))


AS_IT_WAS = CodeChoice()


def check_code(run: RunDirectory, choice: CodeChoice = AS_IT_WAS) -> ModelSource | None:
    """Check that the code of the run's model may be run; where it is now, and changed code, are recorded.

    Code is run only if the user names it, or accepts that it has changed.

    Returns:
        The code as it may be run; None for built-in models.

    Raises:
        RunError: It is gone, has changed, fails, or was never named by this user; or the choice doesn't fit the run.
    """
    manifest = read_manifest(run)
    try:
        source = source_in(manifest.json)
        if source is None:
            if choice.model is not None:
                raise RunError(
                    f"run {run.run_id} trains the model {manifest.version}: --model is for models of your own"
                )
            return None
        now = _code_now(run, source, choice)
    except ConfigError as error:
        raise RunError(f"run {run.run_id}: {error}") from None
    is_changed = now.sha256 != source.sha256
    if is_changed and not choice.marks_run:
        return now
    if is_changed or now.reference != source.reference:
        _record(run, now, is_changed=is_changed)
    return now


def _code_now(run: RunDirectory, source: ModelSource, choice: CodeChoice) -> ModelSource:
    """The code that may be run, once it is checked, accepted and named."""
    folder = choice.folder or Path.cwd()
    images = source.image_shape, source.classes
    if choice.model is not None:
        now = check_model(choice.model, folder, *images)
        _check_unchanged(run, source, now, choice)
        return _taken(now, choice.model)
    now = current(source)
    _check_unchanged(run, source, now, choice)
    if now.sha256 == source.sha256 and is_named(source):
        return source
    if now.sha256 == source.sha256 or not is_known(source):
        by_name = "name it once" if choice.command else "name it once with any picture"
        look = ("--runs", str(run.path.parent), "PICTURE.png")
        named = choice if choice.command else replace(choice, command="predict", arguments=look)
        name = named.command_for(run, "--model", source.argument)
        raise SourceError(f"its code was never named by you, so it isn't run; if you trust it, {by_name}: {name}")
    return _taken(check_model(source.argument, Path(source.folder), *images), source.given)


def _taken(source: ModelSource, given: str) -> ModelSource:
    spec = take(source, given)
    assert spec.source is not None  # noqa: S101
    return spec.source


def _check_unchanged(run: RunDirectory, source: ModelSource, now: ModelSource, choice: CodeChoice) -> None:
    if now.sha256 == source.sha256 or choice.accept_changed:
        return
    sums = f"sha256 {now.sha256[:12]}..., not {safe(source.sha256[:12])}..."
    advice = "restore it, or train a new run with it"
    if choice.command:
        effect = ", which marks the run as modified" if choice.marks_run else ""
        accept = choice.command_for(run, "--accept-changed-model")
        advice = f"restore it, or go on with the changed code{effect}: {accept}"
    raise SourceError(f"code has changed: {source.given} ({safe(now.file)}: {sums}); {advice}")


def _record(run: RunDirectory, now: ModelSource, *, is_changed: bool) -> None:
    content = now.to_json()
    try:
        if is_changed:
            write_atomically(run.changed_model_text, recorded_text(now))
            content["text"] = run.changed_model_text.name
        write_json(run.model_json, {"model": content})
    except OSError as error:
        raise refused(f"write {run.model_json}", run.path, error) from None


def inexact_code(manifest: Manifest) -> list[str]:
    """Why a run's model can't be resumed bit for bit, as `conditions.changes` lists reasons."""
    found = ["changed code of its model"] if manifest.is_code_changed else []
    return found + ([] if manifest.can_resume_exactly else ["a model that keeps state outside parameters and buffers"])
