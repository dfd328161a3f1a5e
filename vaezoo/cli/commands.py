"""The ``vaezoo`` group: its commands, imported on first use, and those of plugins."""

from __future__ import annotations

import click

from vaezoo.cli.context import Context
from vaezoo.cli.lazy import LazyGroup, Table

COMMANDS: Table = {
    "run": ("vaezoo.cli.run", "Train a spec, evaluate, draw and publish it to the zoo."),
    "sample": ("vaezoo.cli.sample", "Sample images from a trained model."),
    "draw": ("vaezoo.cli.draw", "Draw the images of a trained model again."),
    "evaluate": ("vaezoo.cli.evaluate", "Compute metrics of a trained model."),
    "verify": ("vaezoo.cli.verify", "Check trained models against their records."),
    "report": ("vaezoo.cli.report", "Write a report on one or two trained models."),
    "export": ("vaezoo.cli.export", "Write a trained model to files that run without vaezoo."),
    "gallery": ("vaezoo.cli.gallery", "Write a site that shows trained models."),
    "explore": ("vaezoo.cli.explore", "Write a page that decodes latents as you move them."),
    "validate": ("vaezoo.cli.validate", "Check specs without training anything."),
    "show": ("vaezoo.cli.show", "Print a spec with every default filled in."),
    "why": ("vaezoo.cli.why", "Show where a value of a spec comes from."),
    "diff": ("vaezoo.cli.diff", "Compare two specs."),
    "explain": ("vaezoo.cli.explain", "Explain a diagnostic code, with examples."),
    "schema": ("vaezoo.cli.schema", "Write the JSON Schema of a spec, for editors."),
    "zoo": ("vaezoo.cli.zoo", "List, show and manage trained models."),
    "push": ("vaezoo.cli.push", "Upload a trained model to a remote zoo."),
    "pull": ("vaezoo.cli.pull", "Download a trained model from a remote zoo."),
    "doctor": ("vaezoo.cli.doctor", "Check the installation."),
    "plugins": ("vaezoo.cli.plugins", "List plugins and their components."),
}


class MainGroup(LazyGroup):
    """vaezoo's own commands, then those of plugins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _own_first(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.help_lines(ctx))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name) or _context(ctx).registry_as_found.command(name)

    def help_lines(self, ctx: click.Context) -> dict[str, str]:
        own, others = super().help_lines(ctx), _context(ctx).registry_as_found.command_lines()
        return own | {name: line for name, line in others.items() if name not in own}


def _own_first(arguments: list[str]) -> list[str]:
    """Move vaezoo's global options before the command."""
    own, others = [], []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            others += [argument, *remaining]
        elif argument == "--plugin":
            value = next(remaining, None)
            if value is None:
                return [argument]  # click rejects it: the value is missing
            own += [argument, value]
        elif argument in ("--debug", "--no-plugins") or argument.startswith("--plugin="):
            own.append(argument)
        else:
            others.append(argument)
    return own + others


def _context(ctx: click.Context) -> Context:
    if ctx.obj is None:  # click looks up the command before it calls the group's function
        ctx.obj = Context(ctx.params.get("plugins") or (), bool(ctx.params.get("no_plugins")))
    context: Context = ctx.obj
    return context


@click.group(
    cls=MainGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: vaezoo sample fashion_mlp2 --n 50",
)
@click.version_option(package_name="vaezoo", prog_name="vaezoo")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    is_eager=True,  # so that --help after it shows the plugin's commands
    metavar="FILE_OR_MODULE",
    help="Load a plugin that is not installed. Repeatable; allowed after the command too.",
)
@click.option(
    "--no-plugins",
    is_flag=True,
    is_eager=True,
    help="Disable all plugins except the built-in one and those given with --plugin.",
)
@click.pass_context
def cli(ctx: click.Context, debug: bool, plugins: tuple[str, ...], no_plugins: bool) -> None:
    """Variational autoencoders from one YAML spec: validate, train, evaluate, sample."""
    _context(ctx)
