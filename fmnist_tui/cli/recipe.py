"""The `recipe` commands."""

from __future__ import annotations

import click

from fmnist_tui.models.registry import all_models, get_model
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipe_files import recipe_toml
from fmnist_tui.training.recipes import RECIPES, hyperparameters


@click.group("recipe")
def recipe_command() -> None:
    """Recipes as files that `train --recipe` reads."""


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    return [model.name for model in all_models() if model.name.startswith(incomplete)]


@recipe_command.command("show")
@click.argument("name", type=click.Choice(RECIPES))
@click.argument("model", metavar="MODEL", shell_complete=_complete)
def show_command(name: str, model: str) -> None:
    """Print a model's recipe as TOML, with a comment on each setting.

    To train with other settings: fmnist-tui recipe show tuned v3 > my.toml, change my.toml, and
    fmnist-tui train v3 --recipe my.toml
    """
    try:
        click.echo(recipe_toml(get_model(model), name, hyperparameters(model, name)), nl=False)
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
