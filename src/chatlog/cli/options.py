"""The options that many verbs share, as tables, and the command class that adds them to a verb.

Global options stand before or after the verb; filter options are the same set wherever they appear.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple, TypeVar

import typer
from typer._click.exceptions import UsageError as UsageErrorOfClick
from typer._click.types import IntRange
from typer.core import TyperCommand, TyperOption

from chatlog.cli.session import Session
from chatlog.errors import UsageError, choices_hint
from chatlog.models import ROLES, Filters, checked_tag
from chatlog.output import FORMATS, WIRE_FORMS
from chatlog.terminal import cut

#: The messages of exit codes, for the end of each help text.
EXIT_CODES = (
    "0 ok · 1 no match, a check failed · 2 usage, or refused · 3 not found · 4 partly done · 5 damaged file · "
    "6 newer or foreign schema, wrong key · 7 busy · 8 budget · 130 interrupted"
)


#: So many conversations are offered to complete with: a shell asks before it shows a hundred.
MOST_OFFERED = 50
#: So much of words that are too many is told: they may be a whole text.
MOST_TOLD = 60
#: More messages, and more results, than there ever are: who asks for more than that means all.
MOST = 1 << 31


class Flag(NamedTuple):
    """A shared option: its spellings, where its value goes, and what help says."""

    spellings: tuple[str, ...]
    name: str
    help: str
    metavar: str = ""
    value: Any = None
    multiple: bool = False
    choices: tuple[str, ...] = ()
    kind: Any = str


GLOBAL_FLAGS = (
    Flag(("--db",), "db", "The database: a path or URL (CHATLOG_DB).", "PATH|URL"),
    Flag(("--user",), "user", "Whose conversations (CHATLOG_USER; default: local).", "NAME"),
    Flag(("--key-file",), "key_file", "The key of an encrypted database (CHATLOG_KEY_FILE).", "FILE"),
    Flag(("--key-command",), "key_command", "A command that prints the key (CHATLOG_KEY_COMMAND).", "COMMAND"),
    Flag(("--json",), "json", "Print JSON: the same as --format json.", value=True),
    Flag(
        ("--format",),
        "format",
        f"Print as {', '.join(FORMATS)}.",
        "FORMAT",
        choices=(*FORMATS, "markdown", "prometheus", *WIRE_FORMS),
    ),
    Flag(("-q", "--quiet"), "quiet", "No hints, no progress, no warnings that a context fills up.", value=True),
    Flag(("--no-color",), "no_color", "No colours (also NO_COLOR).", value=True),
    Flag(("--no-pager",), "no_pager", "Print long text without a pager.", value=True),
    Flag(("--no-input",), "no_input", "Never ask a question.", value=True),
    Flag(("--config",), "config", "Another config file (CHATLOG_CONFIG).", "FILE"),
)
FILTER_FLAGS = (
    Flag(("--tag",), "tags", "Carrying this tag; repeated: all of them.", "T", multiple=True),
    Flag(("--no-tag",), "no_tags", "Not carrying this tag.", "T", multiple=True),
    Flag(("--source",), "source", "Imported from this format.", "NAME"),
    Flag(("--model",), "model", "Of a model whose name contains this.", "NAME"),
    Flag(("--role",), "role", "With messages of this role.", "ROLE", choices=ROLES),
    Flag(("--author",), "author", "With messages of this author.", "NAME"),
    Flag(("--title",), "title", "Whose title contains this.", "TEXT", multiple=True),
    Flag(("--project",), "project", "Of a project whose path contains this.", "PATH"),
    Flag(("--since",), "since", "Not older than: 7d, 2w, yesterday, 2026-01-31.", "WHEN"),
    Flag(("--until",), "until", "Not newer than; a bare day counts whole.", "WHEN"),
    Flag(("--pinned",), "pinned", "Pinned ones only.", value=True),
    Flag(("--no-pinned",), "pinned", "Without the pinned ones.", value=False),
    Flag(("--archived",), "archived", "Archived ones only.", value=True),
    Flag(("--deleted",), "deleted", "Those in the trash.", value=True),
    Flag(("--min-messages",), "min_messages", "With at least so many messages.", "N", kind=IntRange(min=0)),
    Flag(("--max-messages",), "max_messages", "With at most so many messages.", "N", kind=IntRange(min=0)),
)
#: The flags whose values are tags.
_TAGS = ("tags", "no_tags")


def meant(word: str, choices: Iterable[str], *, beside: Collection[str] = ()) -> str:
    """Return a question for which of the choices a word was meant, nothing where none is like it.

    What other commands call so comes first, where it is among the choices or `beside` them.
    """
    from difflib import get_close_matches

    from chatlog.cli.habits import CALLED

    bare = {choice.lstrip("-"): choice for choice in choices}
    said = word.lower().lstrip("-")
    ours = CALLED.get(word if word.startswith("-") else said)
    if ours is not None and ours.partition(" ")[0] in {*bare.values(), *beside}:
        return f"did you mean: {ours}?"
    begun = [name for name in bare if len(said) > 1 and name.startswith(said)]
    close = [bare[name] for name in dict.fromkeys([*begun, *get_close_matches(said, bare)])][:3]
    return f"did you mean: {', '.join(close)}?" if close else ""


def spellings(command: Any) -> set[str]:
    """Return how a command's options are written."""
    return {spelling for parameter in command.params for spelling in parameter.opts}


def _option(flag: Flag, target: str, *, hidden: bool = False) -> TyperOption:
    """Return the option of a flag; its value goes to the session's `target` dictionary when it was typed."""

    def keep(context: typer.Context, parameter: Any, value: Any) -> None:  # noqa: ARG001  the signature is typer's
        if value is None or value is False or value == ():
            return
        if flag in FILTER_FLAGS and (value == "" or (flag.multiple and "" in value)):
            raise UsageError(f"{flag.spellings[0]} is empty: it would let everything through", "leave it out")
        for tag in value if flag.name in _TAGS else ():
            checked_tag(tag)
        if flag.choices and value not in flag.choices:
            hint = choices_hint(value, _choices(flag, context))
            raise UsageError(f"'{value}' is not a value of {flag.spellings[0]}", hint)
        getattr(Session.of(context), target)[flag.name] = value if flag.value is None else flag.value

    return TyperOption(
        param_decls=[*flag.spellings, f"{target}_{flag.spellings[-1].lstrip('-').replace('-', '_')}"],
        help=flag.help,
        metavar=flag.metavar or None,
        is_flag=flag.value is not None,
        default=False if flag.value is not None else None,
        multiple=flag.multiple,
        type=flag.kind if flag.value is None else bool,
        callback=keep,
        expose_value=False,
        hidden=hidden,
        autocompletion=_completer(flag),
    )


def _completer(flag: Flag) -> Callable[..., list[str]] | None:
    if flag.name in _TAGS:
        return lambda context, _arguments, incomplete: complete_tag(context, incomplete)
    if flag.name == "source":
        return lambda _context, _arguments, _incomplete: sources()
    return (lambda context, _arguments, _incomplete: [*_choices(flag, context)]) if flag.choices else None


def _choices(flag: Flag, context: typer.Context) -> tuple[str, ...]:
    """Return what an option may be; behind a verb that has forms of its own, a form is one of those."""
    forms = context.command.spec.forms if isinstance(context.command, Command) else None
    return forms if flag.name == "format" and forms is not None else flag.choices


def one_of(*names: str) -> Callable[[], list[str]]:
    """Return a completion of a few words."""
    return lambda: [*names]


def sources() -> list[str]:
    """Return the formats that a conversation may have come from."""
    from chatlog.formats import READERS

    return [*READERS]


def global_options(*, hidden: bool) -> list[TyperOption]:
    """Return the options that stand before or after any verb."""
    return [_option(flag, "flags", hidden=hidden) for flag in GLOBAL_FLAGS]


Body = TypeVar("Body", bound=Callable[..., None])


class Spec(NamedTuple):
    """What the command line knows of a verb beside its signature."""

    examples: tuple[str, ...]
    forms: tuple[str, ...] | None = None
    filters: bool = False
    minus: bool = False


def _is_minus(word: str) -> bool:
    """Whether it is a dash and a word, but for the short options that every verb takes."""
    return len(word) > 1 and word[0] == "-" and word[1] != "-" and word not in ("-q", "-h")


def verb(
    *examples: str, forms: tuple[str, ...] | None = None, filters: bool = False, minus: bool = False
) -> Callable[[Body], Body]:
    """Mark a function as a verb: the examples that its help opens with, its forms, what it takes (filters, -words)."""

    def mark(body: Body) -> Body:
        body.spec = Spec(examples, forms, filters, minus)  # type: ignore[attr-defined]
        return body

    return mark


#: What errors call the kinds of values that the library names after Python's.
_CALLED = {"int": "whole number", "int range": "whole number", "float": "number", "float range": "number"}


#: What help calls the values of the verbs' own options, as the shared ones of the same names.
_METAVARS = {
    **{flag.spellings[-1]: flag.metavar for flag in FILTER_FLAGS if flag.metavar},
    "--system": "TEXT|-", "--key": "KEY", "--cursor": "CURSOR", "--mode": "MODE", "--in": "PLACE",
}  # fmt: skip


@contextmanager
def placed(context: Any) -> Iterator[None]:
    """Let an error know which command it is of: the parser leaves out whose option lacks its value."""
    try:
        yield
    except UsageErrorOfClick as error:
        error.ctx = error.ctx or context
        raise


class Command(TyperCommand):
    """A verb: its own options, the shared ones it takes, and help that leads with examples."""

    spec: Spec = Spec(())

    def adopt(self, spec: Spec) -> Command:
        """Add the shared options that the verb does not spell itself."""
        self.spec = spec
        own = spellings(self)
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and not parameter.is_flag:
                parameter.metavar = parameter.metavar or _METAVARS.get(parameter.opts[-1])
        shared = [_option(flag, "filter_flags") for flag in FILTER_FLAGS] if spec.filters else []
        shared += global_options(hidden=True)
        self.params += [option for option in shared if not own & set(option.opts)]
        for parameter in self.params:
            parameter.type.name = _CALLED.get(parameter.type.name, parameter.type.name)
        return self

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, then the description."""
        with formatter.section("Examples"):
            for example in self.spec.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
        super().format_help_text(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep ``-word`` from being read as options by a verb that removes with them, and refuse words too many."""
        if self.spec.minus:
            taken = [word for word in args if _is_minus(word)]
            Session.of(ctx).flags["minus"] = taken
            args = [word for word in args if word not in taken]
        ctx.allow_extra_args = True  # they are refused here, with what there is room for
        with placed(ctx):
            left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            said = cut(" ".join(left), MOST_TOLD)
            usage = " ".join([ctx.command_path, *self.collect_usage_pieces(ctx)])
            hint = f"{usage} · what has blanks needs quotes · {ctx.command_path} --help"
            raise UsageError(f"too many words: {said}", hint)
        return left

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what may stand here: also the options that help leaves out, and tags to remove."""
        from typer._click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            more = [(spelling, flag.help) for flag in GLOBAL_FLAGS for spelling in flag.spellings]
            more += [(tag, "") for tag in complete_tag(ctx, incomplete)] if self.spec.minus else []
            found += [CompletionItem(name, help=line) for name, line in more if name.startswith(incomplete)]
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the verb, once it is sure that its result can be printed as asked."""
        Session.of(ctx).agree(self.spec.forms)
        return super().invoke(ctx)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the signature is typer's
        """Name the global options and the exit codes."""
        formatter.write_paragraph()
        formatter.write_text("Global options: chatlog --help.  Exit codes: " + EXIT_CODES)


def build(name: str, body: Callable[..., None]) -> Command:
    """Return the command of a verb's function."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Command, help=inspect.cleandoc(body.__doc__ or ""))(body)
    command = typer.main.get_command(app)
    assert isinstance(command, Command)  # noqa: S101  the class asked for
    return command.adopt(body.spec)  # type: ignore[attr-defined]


# completion of values, looked up in the database only when a shell asks


def complete_conversation(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return ids, or @last and its like, that begin like this, with the titles."""
    return _offered(ctx, incomplete, Filters())


def complete_deleted(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the same of what is in the trash."""
    return _offered(ctx, incomplete, Filters(deleted=True))


def _offered(ctx: typer.Context, incomplete: str, among: Filters) -> list[tuple[str, str]]:
    from chatlog.errors import ChatlogError

    is_recent = incomplete.startswith("@")
    wanted = among if is_recent or not incomplete else among._replace(begins=incomplete.lower())
    try:
        page = Session.of(ctx).store().conversations(wanted, limit=MOST_OFFERED)
    except ChatlogError:
        return []
    names = [found.id[: max(8, len(incomplete))] for found in page.items]
    if is_recent:
        names = ["@last", *(f"@{number}" for number in range(2, 10))]
    return [
        (name, found.title or "")
        for name, found in zip(names, page.items, strict=False)
        if name.startswith(incomplete.lower())
    ]


def complete_tag(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return tags that begin like this, with the sign they were begun with."""
    from chatlog.errors import ChatlogError

    sign = incomplete[:1] if incomplete[:1] in ("+", "-") else ""
    try:
        found = Session.of(ctx).store().tags()
    except ChatlogError:
        return []
    return [sign + tag for tag, _ in found if tag.startswith(incomplete.removeprefix(sign))]


def complete_tag_or_conversation(ctx: typer.Context, incomplete: str) -> list[Any]:
    """Return tags after a sign, conversations otherwise."""
    return [*(complete_tag(ctx, incomplete) if incomplete[:1] == "+" else complete_conversation(ctx, incomplete))]


Conversation = Annotated[
    str,
    typer.Argument(
        metavar="CONV", help="An id or its first characters, @last, @2 …", autocompletion=complete_conversation
    ),
]
MessageRef = Annotated[
    str,
    typer.Argument(
        metavar="CONV[:SEQ]", help="A conversation, or one message of it.", autocompletion=complete_conversation
    ),
]
Conversations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CONV]...", help="Conversations; - reads ids from stdin.", autocompletion=complete_conversation
    ),
]
Revision = Annotated[
    int | None, typer.Option("--if-revision", metavar="N", help="Only if the conversation is still at this revision.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def budget_of(session: Session, typed: int | None = None) -> int | None:
    """Return the budget that an option or the setting gives, None where neither does."""
    value = session.settings.get("budget")
    return typed if typed is not None or not value else checked_budget(value)


def checked_budget(value: str) -> int:
    """Return the number of tokens that is the setting budget.  Raises UsageError for anything else."""
    if not value.isdecimal() or int(value) < 1:
        raise UsageError(
            f"the setting budget is not a number of tokens: {value}", "such as 8000; empty: by the model's window"
        )
    return int(value)
