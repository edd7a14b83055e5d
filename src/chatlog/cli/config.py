"""`chatlog config`."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from chatlog import config
from chatlog.cli.options import checked_budget, meant, verb
from chatlog.cli.session import Session
from chatlog.errors import NoVectorsError, UsageError
from chatlog.output import FORMATS, THING, Column, Listing
from chatlog.paths import exists
from chatlog.store import checked_user


def _names() -> list[str]:
    return list(config.BY_NAME)


def _values(ctx: typer.Context) -> list[str]:
    setting = config.BY_NAME.get(ctx.params.get("name") or "")
    return [choice for choice in setting.choices if choice] if setting else []


Name = Annotated[
    str, typer.Argument(metavar="NAME", help=f"One of: {', '.join(config.BY_NAME)}.", autocompletion=_names)
]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="The new value.", autocompletion=_values)]


@verb("chatlog config list", forms=FORMATS)
def list_(ctx: typer.Context) -> None:
    """List the settings, their values, and where each comes from."""
    session = Session.of(ctx)
    for name in session.settings.unknown():
        session.output.warning(f"'{name}' in the config file means nothing")
        if known := meant(name, [*config.BY_NAME, *config.TABLES]):
            session.output.hint(known)
    values = [session.settings.value(setting.name) for setting in config.SETTINGS]
    records = [
        {"name": value.setting.name, "value": value.value, "origin": value.origin, "help": value.setting.sentence}
        for value in values
    ]
    columns = tuple(
        Column(name, style=style, wide=name == "help")
        for name, style in (("name", "cyan"), ("value", ""), ("origin", "dim"), ("help", "dim"))
    )
    session.output.listing(Listing(items=records, columns=columns, identify="name", total=len(records)))


@verb("chatlog config get user", forms=THING)
def get(ctx: typer.Context, name: Name) -> None:
    """Print a setting's value."""
    session = Session.of(ctx)
    value = session.settings.value(name)
    session.output.thing("setting", {"name": name, "value": value.value, "origin": value.origin}, [value.value])


@verb("chatlog config set synchronous NORMAL", "chatlog config set user ana", forms=THING)
def set_(ctx: typer.Context, name: Name, value: Value) -> None:
    """Set a value in the config file; a path is kept from the root on."""
    session = Session.of(ctx)
    value = config.settled(name, value)
    _check(name, value)
    config.write(session.settings.path, name, value)
    session.output.thing("setting", {"name": name, "value": value, "origin": "file"}, [f"{name} = {value}"])


def _check(name: str, value: str) -> None:
    """Raise UsageError for a value that the verbs which use it would refuse: who sets it should hear it."""
    match name:
        case "user":
            checked_user(value)
        case "budget" if value:
            checked_budget(value)
        case "embedder" if value != "none":
            from chatlog.embedders import embedder

            with suppress(NoVectorsError):  # it may be there where the setting is used
                embedder(value)
        case "summarizer" if value:
            from chatlog.summarizers import summarizer

            summarizer(value)


@verb("chatlog config path", '$EDITOR "$(chatlog config path)"', forms=THING)
def path(ctx: typer.Context) -> None:
    """Print where the config file is, or would be."""
    session = Session.of(ctx)
    where = session.settings.path
    try:
        output = session.output
    except UsageError:  # what is wrong with the file may be why its path is asked for
        session.settings.pass_over_file()
        output = session.output
    output.thing("path", {"path": str(where), "exists": exists(where)}, [str(where)])


COMMANDS = {"list": list_, "get": get, "set": set_, "path": path}
