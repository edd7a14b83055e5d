"""The command line's front door: the table of verbs, loaded one at a time, and the only way out.

`--help` imports no command module, a run imports exactly one; `main` alone ends the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import typer
from typer import _click as click
from typer.core import TyperGroup

from chatlog.cli.options import EXIT_CODES, build, global_options, meant, placed, spellings
from chatlog.cli.session import Session
from chatlog.errors import NO_ROOM, BusyError, ChatlogError, NotFoundError, StorageFullError, UsageError
from chatlog.output import Output, OutputSettings
from chatlog.streams import forget, open_closed, tell

#: Each verb: its module and its line in the help.
COMMANDS = {
    "demo": ("demo", "Show what chatlog does, on a small history of its own."),
    "import": ("import_", "Bring in history: files, folders, zip archives."),
    "new": ("new", "Start a conversation."),
    "add": ("add", "Add messages to a conversation."),
    "list": ("list", "List conversations, the latest first."),
    "show": ("show", "Show a conversation."),
    "search": ("search", "Find messages by their words and by meaning."),
    "similar": ("similar", "Find conversations like one, or messages like one."),
    "context": ("context", "Assemble the messages for the next request, within a budget."),
    "embed": ("embed", "Bring the index of meanings up to date."),
    "ask": ("ask", "Let a command answer in a conversation, and keep it."),
    "compact": ("compact", "Summarise the oldest turns of long conversations."),
    "export": ("export", "Write conversations to a file or a pipe."),
    "set": ("set", "Change a conversation's title, model and marks."),
    "tag": ("tag", "Add and remove tags."),
    "tags": ("tags", "List the tags."),
    "fork": ("fork", "Go on from a message in a new conversation."),
    "redact": ("redact", "Take secrets and personal data out of what was said."),
    "delete": ("delete", "Move conversations to the trash."),
    "restore": ("restore", "Take conversations out of the trash."),
    "trash": ("trash", "List what is in the trash."),
    "prune": ("prune", "Move what is old, or too much, to the trash, and empty that."),
    "policy": ("policy", "Named retention rules that prune --policies applies."),
    "hold": ("hold", "Put a conversation under legal hold: nothing deletes it."),
    "erase": ("erase", "Remove for good, and prove that nothing is left."),
    "audit": ("audit", "Show who deleted, exported and erased what, and when."),
    "state": ("state", "Keep JSON state with a conversation."),
    "memory": ("memory", "Keep facts under keys, apart from conversations."),
    "db": ("db", "Where the database is, copies of it, its schema."),
    "config": ("config", "Show and set the settings."),
    "stats": ("stats", "Show how large the history is and how it grows."),
    "doctor": ("doctor", "Prove that the database is sound."),
    "completion": ("completion", "Print the completion script of a shell."),
    "help": ("help", "Explain a verb or a topic."),
}
#: Interrupted by Ctrl-C, and by a reader that went away, as a shell reports them.
INTERRUPTED = 130
BROKEN_PIPE = 141


class Group(TyperGroup):
    """Verbs below a name, their commands given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return what follows the options."""
        with placed(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command of a name.  Raises UsageError with what was perhaps meant."""
        command = self.get_command(ctx, args[0])
        if command is None:
            close = meant(args[0], self.list_commands(ctx), beside=spellings(self))
            hint = close or f"{ctx.command_path} --help lists the verbs"
            raise UsageError(f"'{args[0]}' is not a verb of {ctx.command_path}", hint)
        return args[0], command, args[1:]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs, each with the whole first line of its help."""
        verbs: list[tuple[str, Any]] = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Verbs"):
            formatter.write_dl([(name, (command.help or "").partition("\n")[0]) for name, command in verbs])


class Verbs(Group):
    """The top level: commands are loaded from the table when they are called."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what may stand here: options, and the verbs of the table, none of them imported."""
        from typer._click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.core.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  the signature is typer's
        """Return the verbs in the order of the table."""
        return [*COMMANDS]  # not list(): once loaded, chatlog.cli.list is a name of this module

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a verb's command; only its module is imported."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"chatlog.cli.{COMMANDS[cmd_name][0]}")
        if hasattr(module, "COMMANDS"):
            return group(cmd_name, COMMANDS[cmd_name][1], module.COMMANDS)
        return build(cmd_name, module.command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the table, without importing a command."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def group(name: str, line: str, bodies: dict[str, Any]) -> Group:
    """Return a group of verbs below a name."""
    commands = [build(verb, body) for verb, body in bodies.items()]
    return Group(
        name=name, commands=commands, help=line, params=[*global_options(hidden=True)], rich_markup_mode=None,
        no_args_is_help=True, subcommand_metavar="VERB [ARGS]...",
    )  # fmt: skip


HELP = """Your AI conversations in one SQLite file: import them, add to them, find them again.

\b
  chatlog import ~/Downloads/chatgpt-export.zip
  chatlog search "retry backoff"
  chatlog show @last
"""


def version(context: typer.Context, parameter: Any, value: bool) -> None:  # noqa: ARG001  typer's signature
    """Print the version and end."""
    if value and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            number = installed("chatlog")
        except PackageNotFoundError:
            number = "(not installed)"
        Session.of(context).output.lines([f"chatlog {number}"])
        raise typer.Exit


def app() -> Verbs:
    """Return the whole command line."""
    from typer.core import TyperOption

    asked = TyperOption(
        param_decls=["--version"], is_flag=True, default=False, expose_value=False, is_eager=True, callback=version,
        help="Print the version.",
    )  # fmt: skip
    return Verbs(
        name="chatlog",
        help=HELP,
        params=[*global_options(hidden=False), asked],
        epilog="chatlog help VERB, chatlog help exit-codes, dates, filters, query, encryption, ids, json, terminal, "
        f"settings.  Exit codes: {EXIT_CODES}",
        rich_markup_mode=None,
        no_args_is_help=True,
        subcommand_metavar="VERB [ARGS]...",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run(arguments: Sequence[str], session: Session) -> int:
    """Run a command line and return its exit code; what goes wrong is said on stderr."""
    try:
        with session.resources:
            if shell := os.environ.get("_CHATLOG_COMPLETE"):
                import_module("chatlog.cli.completion").serve(shell, app(), session, arguments)
                return 0
            outcome = _invoke(arguments, session)
            sys.stdout.flush()
        return outcome or session.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        forget(sys.stdout)  # the reader has gone: nobody to tell
        return BROKEN_PIPE
    except Exception as error:
        if os.environ.get("CHATLOG_DEBUG") and not isinstance(error, (ChatlogError, click.exceptions.ClickException)):
            raise
        meaning = _meaning(error)
        if isinstance(error, click.exceptions.NoArgsIsHelpError) and not _asks_for_json(arguments):
            tell(error.format_message() + "\n")
        else:
            _say(session, arguments, meaning)
        return meaning.exit_code


def _invoke(arguments: Sequence[str], session: Session) -> int:
    """Run the verb and return the exit code it ends with by itself; its own `main` would take a broken pipe for a 1."""
    verbs = app()
    try:
        with verbs.make_context("chatlog", [*arguments], obj=session) as context:
            verbs.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def _meaning(error: Exception) -> ChatlogError:
    """Return what an exception means for the user."""
    if isinstance(error, ChatlogError):
        return error
    if isinstance(error, click.exceptions.ClickException):
        from chatlog.cli.refusals import refusal

        return refusal(error)
    return _no_room(error) or _out_of_reach(error) or _bug(error)


def _no_room(error: Exception) -> ChatlogError | None:
    """Return what an exception means that says that there is no memory or disk left, None for any other."""
    if isinstance(error, MemoryError):
        return BusyError("there is not enough memory for this", "try a smaller input")
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        forget(sys.stdout)  # files have their own sentences: this was stdout
        return StorageFullError(f"the output could not be written: {error.strerror}", "free some space")
    return None


def _out_of_reach(error: Exception) -> ChatlogError | None:
    """Return what it means that nobody can even look whether a file is there: forbidden, or too long a name."""
    if not isinstance(error, OSError) or error.filename is None:
        return None
    why = (error.strerror or type(error).__name__).lower()
    return NotFoundError(f"cannot look at {os.fsdecode(error.filename)}: {why}", "check the path")


def _bug(error: Exception) -> ChatlogError:
    """Return an error that names the place of a bug, and none of the data that met it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"  # noqa: PTH119
    return ChatlogError(f"chatlog has a bug: {type(error).__name__} at {place}", "CHATLOG_DEBUG=1 shows where")


def _say(session: Session, arguments: Sequence[str], error: ChatlogError) -> None:
    """Report an error, as JSON also where the call failed before the option was read."""
    if _asks_for_json(arguments):
        session.flags["format"] = "json"
    try:
        output = session.output
    except ChatlogError:  # the settings themselves are wrong: said by itself where that is why the verb failed
        output = Output(OutputSettings(format=session.flags.get("format", "text")))
    output.error(error)


def _asks_for_json(arguments: Sequence[str]) -> bool:
    forms = {f"--format={form}" for form in ("json", "jsonl")} | {"--json"}
    joined = {f"{option}={value}" for option, value in pairwise(arguments)}
    return not forms.isdisjoint({*arguments, *joined})


def main() -> None:
    """Run the command line of the process and end it."""
    open_closed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:], Session()))
