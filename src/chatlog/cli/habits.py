"""What people type who come from git, notmuch, llm, atuin or a shell, and what it is called here.

Only ever a hint: nothing is done under another name.
"""

from __future__ import annotations

#: Each verb of chatlog: what it is called elsewhere.
_VERBS = {
    "list": "ls log history recent conversations threads",
    "show": "cat get view open read less print logs",
    "search": "find grep query lookup",
    "delete": "rm remove del",
    "restore": "undelete undo recover",
    "import": "load sync pull ingest index init",
    "export": "save dump",
    "new": "create start",
    "add": "append insert send push",
    "ask": "chat prompt",
    "fork": "branch clone",
    "compact": "summarize summarise summary",
    "stats": "count status info",
    "doctor": "check fsck verify",
    "prune": "gc clean cleanup purge expire",
    "set --title": "rename title",
    "set --pin": "pin",
    "set --archive": "archive",
    "db backup": "backup",
    "db vacuum": "vacuum",
    "memory set": "remember",
    "redact": "anonymize scrub mask",
    "--version": "version",
}
#: Each option: what it is called elsewhere.
_OPTIONS = {
    "-n": "--limit --count --max-count --num --number --lines --last -l -1 -2 -3 -4 -5 -6 -7 -8 -9",
    "--since": "--after --from --newer-than --start",
    "--until": "--before --older-than --end",
    "-C": "--context -A -B --around",
    "-o": "--out --file",
    "-q": "--silent",
    "-y": "--force -f --assume-yes",
    "--dry-run": "--simulate --whatif --preview --dryrun",
    "--version": "-V -v",
}
#: What each of those words is called here.
CALLED = {other: ours for table in (_VERBS, _OPTIONS) for ours, others in table.items() for other in others.split()}
