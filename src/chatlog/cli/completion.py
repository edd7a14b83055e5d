"""`chatlog completion`: the scripts, and the answers they ask for when a key is pressed.

The words come in as arguments and the answers go out a line each; no script evaluates an answer, for
titles and tags are anybody's words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer._click.shell_completion import CompletionItem, ShellComplete

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError, choices_hint
from chatlog.output import one_line

BASH = """\
# bash completion for chatlog
_chatlog() {
    local line wide=0 tab=$'\\t'
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
        line=${line%%"$tab"*}
        (( ${#line} > wide )) && wide=${#line}
    done < <(_CHATLOG_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # what it is about stands beside it where there is more than one to choose from, and the shell only lists them
    if (( ${#COMPREPLY[@]} < 2 )) || [[ $COMP_TYPE == 37 || $COMP_TYPE == 42 ]]; then
        COMPREPLY=("${COMPREPLY[@]%%"$tab"*}")
        return
    fi
    local at
    for at in "${!COMPREPLY[@]}"; do
        line=${COMPREPLY[at]}
        [[ $line == *"$tab"* ]] || continue
        printf -v line '%-*s  %s' "$wide" "${line%%"$tab"*}" "${line#*"$tab"}"
        COMPREPLY[at]=${line:0:${COLUMNS:-80}-1}
    done
}
complete -o default -o nosort -F _chatlog chatlog 2>/dev/null || complete -o default -F _chatlog chatlog
"""
ZSH = """\
#compdef chatlog
# the latest first: in groups of the same description they would be sorted
zstyle ':completion:*:*:chatlog:*' list-grouped no
_chatlog() {
    local -a found
    found=("${(@f)$(_CHATLOG_COMPLETE=zsh ${(Q)words[1]} "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then
        _describe -V chatlog found
    else
        _files
    fi
}
if [[ "$funcstack[1]" == _chatlog ]]; then
    _chatlog "$@"
else
    compdef _chatlog chatlog
fi
"""
FISH = """\
# fish completion for chatlog
function __chatlog_complete
    set -l current (commandline -ct)
    set -l found (_CHATLOG_COMPLETE=fish command chatlog (commandline -opc)[2..] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete --command chatlog --no-files --keep-order --arguments '(__chatlog_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def _shells() -> list[str]:
    return [*SCRIPTS]


@verb(
    "chatlog completion bash > ~/.local/share/bash-completion/completions/chatlog",
    'chatlog completion zsh > "${fpath[1]}/_chatlog"',
    "chatlog completion fish > ~/.config/fish/completions/chatlog.fish",
)
def command(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell.", autocompletion=_shells)],
) -> None:
    """Print a shell's completion script: verbs, options, formats, tags, ids with their titles."""
    Session.of(ctx).output.lines([script(shell).removesuffix("\n")])


def script(shell: str) -> str:
    """Return a shell's completion script.  Raises UsageError for a shell there is none for."""
    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for '{shell}'", choices_hint(shell, SCRIPTS))
    return SCRIPTS[shell]


class _Words(ShellComplete):
    """Asks a command line what may stand where the last word begins."""

    def source_vars(self) -> dict[str, Any]:
        raise NotImplementedError  # the scripts are ours

    def get_completion_args(self) -> tuple[list[str], str]:
        raise NotImplementedError  # the words are arguments

    def format_completion(self, item: CompletionItem) -> str:
        """Return the line that a shell's script reads; `complete_var` is the shell."""
        value, about = one_line(str(item.value)), one_line(item.help or "")
        if self.complete_var == "zsh":
            value, about = value.replace("\\", "\\\\").replace(":", "\\:"), about.replace("\\", "\\\\")
            return f"{value}:{about}" if about else value
        if self.complete_var == "bash":
            value = _quoted(value)
        return f"{value}\t{about}" if about else value


def serve(shell: str, cli: Any, session: Session, words: Sequence[str]) -> None:
    """Print what the last of `words` may become."""
    words, typed = _joined([_ESCAPED.sub(r"\1", word) for word in words]) if shell == "bash" else ([*words], "")
    ends = [*words[:-1], "" if words[-1:] == ["="] else "".join(words[-1:])]
    *before, last = [word for word in ends if word != "="]  # bash splits --format=json in three
    asked = _Words(cli, {"obj": session}, "chatlog", shell)
    option = last[: last.find("=") + 1] if last.startswith("--") and shell != "bash" else ""
    lines = (option + asked.format_completion(item) for item in asked.get_completions(before, last))
    session.output.lines(line.removeprefix(_quoted(typed)) for line in lines)


#: What bash would take for more than itself; the other shells quote what they insert.
_SPECIAL = re.compile(r"[^\w@%+=:,./~-]")
_ESCAPED = re.compile(r"\\(.)")


def _quoted(word: str) -> str:
    """Return a word as it is typed in bash."""
    return _SPECIAL.sub(r"\\\g<0>", word)


def _joined(words: Sequence[str]) -> tuple[list[str], str]:
    """Return bash's words, split at colons and behind an @, as they were typed, and what it holds apart of the last."""
    joined, before = [""], ""
    for word in words:
        if ":" in (word, before) or before == "@":
            joined[-1] += word
        else:
            joined.append(word)
        before = word
    is_split = ":" in words[-2:]
    return joined[1:], joined[-1][: joined[-1].rfind(":") + 1] if is_split else ""
