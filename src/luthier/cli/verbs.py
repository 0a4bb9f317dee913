"""The list of verbs. A verb's file is imported only when it is called, so that `luthier --help` is instant."""

from __future__ import annotations

import difflib
import importlib

import click

from luthier import __version__

VERBS = {
    "init": "Write a commented starter recipe for a data file.",
    "show": "Show which tokens of a data file would be trained.",
    "recipe": "Check a recipe, or list every setting there is.",
    "run": "Fine-tune as a recipe says, and judge whether it helped.",
    "sweep": "Try many settings on one base, and rank them.",
    "probe": "Tell what more training rows would bring.",
    "resume": "Go on with a run, a sweep or a probe that was stopped.",
    "ask": "Ask the model of a finished run.",
    "eval": "Ask any model a task's items, and grade the answers.",
    "golden": "Freeze items as a golden set, add to it, check it.",
    "results": "Write answers as other evaluation tools read them.",
    "report": "Write the pages of a finished run again.",
    "compare": "Compare runs that answered the same golden items.",
    "power": "Tell how many items find which difference, before a run.",
    "advise": "Say whether to prompt, retrieve or tune, and why.",
    "licence": "Say what the licences of base, data and teacher allow.",
    "serve": "Answer OpenAI's fine-tuning and inference API.",
    "worker": "Add a worker to a server's jobs.",
    "keys": "Make, list and revoke the keys of a server.",
}
# Words that other programs use for the same thing.
SYNONYMS = {
    "train": "run",
    "finetune": "run",
    "fine-tune": "run",
    "start": "run",
    "continue": "resume",
    "chat": "ask",
    "advice": "advise",
    "decide": "advise",
    "license": "licence",
    "server": "serve",
    "api": "serve",
    "key": "keys",
    "generate": "ask",
    "new": "init",
    "tune": "sweep",
    "search": "sweep",
    "grid": "sweep",
    "preview": "show",
    "evaluate": "eval",
    "test": "eval",
    "freeze": "golden",
    "config": "recipe",
}
FIRST_STEPS = """\
First steps:
  luthier init rows.jsonl      writes recipe.yaml
  luthier run recipe.yaml      tunes, judges and writes a report
  luthier ask runs "..."       asks the tuned model of the newest run
"""


class VerbGroup(click.Group):
    """A group that knows its verbs by name and imports `luthier.cli.VERB` when one is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"luthier.cli.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = nearest_verb(args[0])
            advice = f"did you mean {near}?" if near else f"there are {', '.join(VERBS)}"
            raise click.UsageError(f"no verb {args[0]!r}; {advice}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"\n{FIRST_STEPS}")


def nearest_verb(word: str) -> str | None:
    """The verb that was probably meant."""
    typed = word.lower()
    near = difflib.get_close_matches(typed, [*VERBS, *SYNONYMS], n=1, cutoff=0.6)
    if not near:
        return None
    return SYNONYMS.get(near[0], near[0])


@click.group(
    cls=VerbGroup,
    subcommand_metavar="VERB ...",
    help="Fine-tune open language models on your own machines, with evidence that it helped.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="luthier %(version)s")
def luthier() -> None:
    pass
