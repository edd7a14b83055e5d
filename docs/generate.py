"""Write what follows from the code: docs/cli.md, formats.md, schema.md, the manual page and the completion scripts.

`python docs/generate.py` writes them; with `--check` it names what is stale and exits with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "docs")]

import typer  # noqa: E402

import manpage  # noqa: E402
from chatlog.cli import COMMANDS, app  # noqa: E402
from chatlog.cli.completion import script  # noqa: E402
from chatlog.cli.help import TOPICS, page_of  # noqa: E402
from chatlog.formats import READERS, WRITERS, reader  # noqa: E402
from chatlog.formats.fidelity import FEATURES, READINGS, WRITINGS  # noqa: E402
from chatlog.store.sqlite import schema  # noqa: E402

#: Help as it is printed on a terminal of 80 columns, whatever this one has.
WIDTH = 78
NOTE = "<!-- Written by docs/generate.py; change the code it comes from, then run: python docs/generate.py -->"


def outputs() -> dict[str, str]:
    """Return every generated file, by its path below the project's folder."""
    return {
        "docs/cli.md": cli_page(),
        "docs/formats.md": formats_page(),
        "docs/schema.md": schema_page(),
        "docs/man/chatlog.1": manpage.page(help_context()),
        **{f"completions/{name}": script(shell).rstrip("\n") + "\n" for name, shell in COMPLETIONS.items()},
    }


COMPLETIONS = {"chatlog.bash": "bash", "_chatlog": "zsh", "chatlog.fish": "fish"}


def write(root: Path) -> None:
    """Write every file that is not as it should be."""
    for name in stale(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(outputs()[name], "utf-8")


def stale(root: Path) -> list[str]:
    """Return the names of the files that are missing or other than the code says."""
    return [name for name, text in outputs().items() if not has(root / name, text)]


def has(path: Path, text: str) -> bool:
    """Tell whether a file holds exactly this."""
    return path.is_file() and path.read_bytes() == text.encode()


# docs/cli.md

CLI = f"""# The command line

{NOTE}

What `chatlog help` and `chatlog VERB --help` print. Forms, exit codes and the keys of JSON are a contract: within
`schema_version` 1 they are only ever added to.

{{contents}}
"""


def help_context() -> Any:
    """Return the context in which help is printed."""
    return app().make_context("chatlog", [], resilient_parsing=True, terminal_width=WIDTH)


def cli_page() -> str:
    """Return the help of every verb and topic."""
    root = help_context()
    pages = [("chatlog", root.get_help()), *verb_pages(root)]
    topics = [(f"chatlog help {name}", page_of(name)) for name in TOPICS]
    contents = [f"- [`chatlog {verb}`](#{anchor(f'chatlog {verb}')}): {line}" for verb, (_, line) in COMMANDS.items()]
    sections = [f"## {title}\n\n{block(text)}" for title, text in [*pages, *topics]]
    return "\n".join([CLI.format(contents="\n".join(contents)), "\n\n".join(sections), ""])


def verb_pages(context: Any, name: str = "chatlog") -> Iterator[tuple[str, str]]:
    """Yield the title and the help of each verb, those of a group after the group."""
    for verb in context.command.list_commands(context):
        command, title = context.command.get_command(context, verb), f"{name} {verb}"
        child = typer.Context(command, info_name=verb, parent=context)
        yield title, child.get_help()
        if hasattr(command, "list_commands"):
            yield from verb_pages(child, title)


def anchor(title: str) -> str:
    """Return what a link to a heading ends in."""
    return title.replace(" ", "-")


def block(text: str, language: str = "text") -> str:
    """Return text as it is, fenced."""
    return f"```{language}\n{text}\n```"


# docs/formats.md

FORMATS = f"""# Formats

{NOTE}

## What is read

`chatlog import` recognises each of these by its content, in a file, a folder, a zip or a stream; `--from NAME` insists
on one. A mark says that chatlog keeps it; where there is none, the format does not have it, or not in the files known.
What has no column (settings, costs, ids, citations, ratings …) is kept as metadata of its message or conversation,
and what cannot be read is named in the import's report. Importing again brings only what is new.

{{readings}}

### Where it is found

`chatlog import --auto` looks in all of the folders named here.

{{places}}

## What is written

`chatlog export --to NAME` writes each of these to a file (`-o FILE`), a folder (`-o DIR/`, a file for each
conversation) or stdout. Files are `0600`, appear whole, and replace nothing without `--force`.

{{writings}}

What each cannot hold, and what importing the export gives:

{{losses}}

Pages load nothing from anywhere and run nothing of what they show: text is escaped, Markdown has no raw HTML, links
lead to the web and mail alone, pictures are those that the history holds, and a content security policy allows only
the page's own style and script, which it works without. An index searches the words that people and assistants said.
"""


#: Where a tool's files may be is shown so far; the rest is the same folder on another system, or of a variant.
SHOWN_PLACES = 4


def formats_page() -> str:
    """Return what each format holds, as tables."""
    features = list(FEATURES)
    heads = "".join(f" {FEATURES[name]} |" for name in features)
    rule = "|---|---|" + ":-:|" * len(features)
    known = {name: READINGS[name] for name in READERS if name in READINGS}
    readings = [f"| format | name |{heads}", rule]
    readings += [
        f"| {row.product} | `{name}` |{marks(row.keeps)}" for name, row in sorted(known.items(), key=by_product)
    ]
    places = [f"- **{row.product}**: {place(name, row.found)}" for name, row in sorted(known.items(), key=by_product)]
    writings = [f"| name | for |{heads}", rule]
    writings += [f"| `{name}` | {WRITINGS[name].purpose} |{marks(WRITINGS[name].holds)}" for name in WRITERS]
    losses = ["| name | cannot hold | importing it again |", "|---|---|---|"]
    losses += [f"| `{name}` | {row.lost} | {row.again or '—'} |" for name, row in WRITINGS.items()]
    parts = {"readings": readings, "places": places, "writings": writings, "losses": losses}
    return FORMATS.format(**{name: "\n".join(lines) for name, lines in parts.items()})


def by_product(item: tuple[str, Any]) -> str:
    """Return what the rows of readers are sorted by."""
    return str(item[1].product.lower())


def marks(held: str) -> str:
    """Return the cells of a row: a mark for each feature that is held."""
    return "".join(" ✓ |" if name in held.split() else "  |" for name in FEATURES)


def place(name: str, found: str) -> str:
    """Return where a format's files are: on this computer, or how to come by them."""
    locations = getattr(reader(name), "LOCATIONS", ())
    places = ", ".join(f"`{location}`" for location in locations[:SHOWN_PLACES])
    if len(locations) > SHOWN_PLACES:
        places += f" and {len(locations) - SHOWN_PLACES} more"
    return f"{found}: {places}" if places and found != "on this computer" else places or found


# docs/schema.md

SCHEMA = f"""# The database

{NOTE}

chatlog keeps everything in one SQLite file, which you may open with any tool. `sqlite3 -readonly "$(chatlog db path)"`
reads all of it but the tables `nearest_*`, which need the extension sqlite-vec; the word index needs FTS5, which every
SQLite has, and no function of ours. **Datasette and `sqlite-utils --counts` look at every table when they open a
file**, and stop at those: give them a copy without vectors,
`chatlog db backup to-browse.db --portable && datasette to-browse.db`, or load the extension
(`datasette --load-extension PATH`; `python -c 'import sqlite_vec; print(sqlite_vec.loadable_path())'` prints PATH).
Read as much as you like, and leave writing to chatlog: its counters, the active path and the word index change
together with a message, in one transaction.
`chatlog doctor` says whether they agree, and `chatlog doctor --rebuild` makes them again from the messages.

- Times are ISO-8601 text in UTC with milliseconds, `2026-11-20T21:44:00.123Z`: they sort as text.
- A conversation has an internal `key`, which other tables refer to, and the `id` that people and scripts see.
- What was said is in `bodies`; `messages` says where it stands, in which conversation. A fork shares its parent's.
- A file may hold several people's conversations: every table with somebody's words has their name in `user`.
- Yes and no are 1 and 0. Columns that hold JSON say so; `state` and `metadata` are JSON objects.
- `PRAGMA application_id` is {schema.APPLICATION_ID:#x} ("chlg"), `PRAGMA user_version` the schema: {schema.VERSION}.

## Queries to start with

The latest conversations:

```sql
SELECT id, title, source, model, message_count, updated_at
FROM conversations WHERE user = 'local' AND deleted_at IS NULL
ORDER BY updated_at DESC LIMIT 20;
```

A conversation as it reads, its active path:

```sql
SELECT messages.seq, messages.role, bodies.author, bodies.text, messages.created_at
FROM conversations
JOIN messages ON messages.conversation = conversations.key
JOIN bodies ON bodies.id = messages.body
WHERE conversations.id LIKE '7pvd%' AND messages.active
ORDER BY messages.seq;
```

Messages by month and source:

```sql
SELECT substr(messages.created_at, 1, 7) AS month, coalesce(conversations.source, 'chatlog') AS source, count(*)
FROM messages JOIN conversations ON conversations.key = messages.conversation
GROUP BY 1, 2 ORDER BY 1, 2;
```

The tools that were called:

```sql
SELECT part.value ->> 'name' AS tool, count(*) AS calls
FROM bodies, json_each(bodies.parts) AS part
WHERE part.value ->> 'type' = 'tool_call'
GROUP BY 1 ORDER BY 2 DESC;
```

Messages by their words (`chatlog search` asks better):

```sql
SELECT conversations.title, messages.seq, bodies.text
FROM words
JOIN bodies ON bodies.id = words.rowid
JOIN messages ON messages.body = bodies.id
JOIN conversations ON conversations.key = messages.conversation
WHERE words MATCH 'text : lisbon' AND conversations.user = 'local'
ORDER BY words.rank LIMIT 10;
```

## Tables
"""

FULL_TEXT = """## The word index

Made anew from `bodies` whenever it has to be; nothing is lost with it.

"""

COMMENT = re.compile(r"^-- (.*)$")
TABLE = re.compile(r"^CREATE TABLE (\w+) \($")
INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX (\w+) ON (\w+) (.*);$")
COLUMN = re.compile(r"^    (\w+) (.*?),?(?:\s+-- (.*))?$")
CONSTRAINT = re.compile(r"^    ((?:UNIQUE|PRIMARY KEY|FOREIGN KEY|CHECK)\b.*?),?(?:\s+-- (.*))?$")


@dataclass
class Table:
    """A table as the schema's text describes it."""

    name: str
    about: str
    columns: list[tuple[str, str, str]] = field(default_factory=list)
    constraints: list[tuple[str, str]] = field(default_factory=list)
    indexes: list[tuple[str, str]] = field(default_factory=list)


def tables() -> dict[str, Table]:
    """Return the tables of the schema with the comments on them, on their columns and indexes."""
    found: dict[str, Table] = {}
    table, comments = Table("", ""), list[str]()
    for previous, line in pairwise(schema.TABLES.splitlines()):
        if match := COMMENT.match(line):
            comments = [*comments, match[1]] if COMMENT.match(previous) else [match[1]]
        elif match := TABLE.match(line):
            table = found[match[1]] = Table(match[1], " ".join(comments))
        elif match := INDEX.match(line):
            unique = "UNIQUE " if match[1] else ""
            found[match[3]].indexes.append((f"{unique}{match[2]} {match[4]}", " ".join(comments)))
        elif match := CONSTRAINT.match(line):
            table.constraints.append((match[1], match[2] or ""))
        elif match := COLUMN.match(line):
            table.columns.append((match[1], match[2], match[3] or ""))
        if not COMMENT.match(line) and not INDEX.match(line):
            comments = []
    return found


def schema_page() -> str:
    """Return the schema as a page to read: tables, columns, indexes and what they are for."""
    sections = [table_section(table) for table in tables().values()]
    return "\n".join([SCHEMA, "\n\n".join(sections), "", FULL_TEXT + block(schema.INDEX.strip(), "sql"), ""])


def table_section(table: Table) -> str:
    """Return the section of a table."""
    lines = [f"### {table.name}", "", *([table.about, ""] if table.about else [])]
    lines += ["| column | declared as | what it is |", "|---|---|---|"]
    lines += [f"| `{name}` | `{cell(declared)}` | {cell(about)} |" for name, declared, about in table.columns]
    for title, entries in (("Keys", table.constraints), ("Indexes", table.indexes)):
        if entries:
            lines += ["", f"{title}:", ""]
            lines += [f"- `{declared}`{': ' if about else ''}{about}" for declared, about in entries]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the files, or with --check name those that are stale."""
    names = stale(ROOT)
    if arguments == ["--check"]:
        for name in names:
            print(f"{name} is stale: python docs/generate.py", file=sys.stderr)
        return 1 if names else 0
    write(ROOT)
    for name in names:
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
