"""What the library that reads the command line refuses, in chatlog's own sentences.

Recognised by class, never by its English text; parameters are called what help calls them.
"""

from __future__ import annotations

from typing import Any

from typer import _click as click
from typer.core import TyperGroup

from chatlog.cli.options import meant, spellings
from chatlog.errors import UsageError


def refusal(error: click.exceptions.ClickException) -> UsageError:
    """Return what an error of the library means."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context else "chatlog"
    match error:
        case click.exceptions.NoSuchOption():
            return UsageError(f"there is no option {error.option_name}", _no_such_option(error, context))
        case click.exceptions.MissingParameter(param=click.core.Parameter() as missing):
            return UsageError(f"{path} needs {_called(missing)}", _such_as(context))
        case click.exceptions.BadParameter(param=click.core.Parameter() as wrong):
            return UsageError(f"{_called(wrong)} takes {_kind(wrong.type)}", f"{path} --help")
        case click.exceptions.BadOptionUsage() if context:
            return _without_value(error.option_name, context)
        case click.exceptions.UsageError() if isinstance(context and context.command, TyperGroup):
            return UsageError("say which verb", f"{path} --help lists them")
    return UsageError(error.format_message(), f"{path} --help")


def _called(parameter: Any) -> str:
    return str(parameter.opts[-1] if parameter.param_type_name == "option" else parameter.metavar)


def _kind(kind: Any) -> str:
    """Return what a parameter takes, such as ``a whole number, 1 or more``."""
    least = getattr(kind, "min", None)
    return f"a {kind.name}" + ("" if least is None else f", {least} or more")


def _such_as(context: Any) -> str:
    """Return the first example of a verb, and where there is more."""
    return f"such as: {context.command.spec.examples[0]} · {context.command_path} --help"


def _without_value(name: str, context: Any) -> UsageError:
    """Return what is wrong with an option that lacks its value, or has one where it takes none."""
    option = next(one for one in context.command.params if name in one.opts)
    if option.is_flag:
        return UsageError(f"{name} takes no value", f"write {name} alone")
    return UsageError(f"{name} needs a value", f"{name} {option.make_metavar(context)} · {context.command_path} --help")


def _no_such_option(error: click.exceptions.NoSuchOption, context: Any) -> str:
    """Return what an unknown option was perhaps to be; people also search for the options of other commands."""
    like = [name for name in error.possibilities or () if name.startswith("--")]
    close = meant(error.option_name, like, beside=spellings(context.command))
    words = f"to search for it: chatlog search -- {error.option_name}" if context.info_name == "search" else ""
    return " · ".join(filter(None, (close, words, f"{context.command_path} --help")))
