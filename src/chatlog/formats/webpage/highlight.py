"""Code with its comments, strings, numbers and keywords marked, for pages.

One pass of one pattern per family of languages, linear in the text whatever it holds: stored code is anybody's.
Every piece is escaped here; a language not known is left plain.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import NamedTuple

#: Longer code is left plain: colours help nobody there, and each costs bytes.
MAX_CHARS = 60_000

_STRINGS = r""" "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'? """
_NUMBER = r"(?P<n>\b(?:0[xXbBoO][\da-fA-F_]++|\d[\d_]*+(?:\.\d[\d_]*+)?+(?:[eE][+-]?\d++)?+)\w*+)"
_WORD = r"(?P<w>[^\W\d][\w$]*+!?)(?P<call>\s?+\()?"
_HASH = r"(?P<c>\#[^\n]*+)"
_SLASHES = r"(?P<c>//[^\n]*+|/\*[\s\S]*?(?:\*/|\Z))"

_PYTHON = rf"""(?P<s>[rbfuRBFU]{{0,2}}(?:\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z)|{_STRINGS}))
    | {_HASH} | (?P<d>^[ \t]*+@[\w.]++) | {_NUMBER} | {_WORD}"""
_C = rf"(?P<s>`(?:[^`\\]|\\.)*+`?|{_STRINGS}) | {_SLASHES} | (?P<d>^[ \t]*+[\#@]\w++) | {_NUMBER} | {_WORD}"
_RUST = rf"""(?P<s>"(?:[^"\\]|\\.)*+"? | '(?:[^'\\\n]|\\[^\n']{{1,9}}|\\')') | {_SLASHES}
    | (?P<d>'\w++|\#!?\[[^\]\n]*+\]?) | {_NUMBER} | {_WORD}"""
_SHELL = rf"""(?P<s>"(?:[^"\\]|\\.)*+"?|'[^']*+'?) | (?P<c>(?:^|(?<=\s))\#[^\n]*+)
    | (?P<d>\$\{{?[\w@*\#?!]++\}}?|(?<=\s)--?[A-Za-z][\w-]*+) | (?P<n>\b\d++\b) | {_WORD}"""
_RUBY = rf"(?P<s>{_STRINGS}) | {_HASH} | (?P<d>[@$]\w++|:\w++) | {_NUMBER} | {_WORD}"
_LUA = rf"(?P<c>--\[\[[\s\S]*?(?:\]\]|\Z)|--[^\n]*+) | (?P<s>\[\[[\s\S]*?(?:\]\]|\Z)|{_STRINGS}) | {_NUMBER} | {_WORD}"
_SQL = rf"(?P<s>'(?:[^']|'')*+'?) | (?P<c>--[^\n]*+|/\*[\s\S]*?(?:\*/|\Z)) | {_NUMBER} | {_WORD}"
_DATA = rf"""(?P<d>(?:"(?:[^"\\\n]|\\.)*+"|(?<![\w.-])[\w.-]++)(?=[ \t]?[:=]))
    | (?P<s>{_STRINGS}) | {_HASH} | (?P<h>^\[\[?[A-Za-z][^\],\n]*+\]\]?[ \t]*$) | {_NUMBER} | {_WORD}"""
_TAGS = r"""(?P<c><!--[\s\S]*?(?:-->|\Z)) | (?P<k></?[A-Za-z][\w:.-]*+|/?>)
    | (?P<s>"[^"<]*+"?|'[^'<\n]*+'(?=[\s/>]))
    | (?P<d>(?<![\w:-])[\w:-]++(?==["'])) | (?P<n>&\#?\w{1,30};)"""
_STYLE = rf"""(?P<c>/\*[\s\S]*?(?:\*/|\Z)) | (?P<s>{_STRINGS}) | (?P<k>@[\w-]++|![a-z]++)
    | (?P<d>(?<![\w-])[\w-]++(?=\s?:))
    | (?P<n>\#[\da-fA-F]{{3,8}}\b|\b\d[\d.]*+(?:%|[a-z]++)?)"""
_DIFF = r"(?P<h>^(?:@@|diff\ |index\ |---\ |\+\+\+\ )[^\n]*+) | (?P<ins>^\+[^\n]*+) | (?P<del>^-[^\n]*+)"


class _Language(NamedTuple):
    """A family of languages: the pattern of its tokens, and the words that are its own."""

    pattern: str
    words: str = ""
    names: str = ""


_LANGUAGES = (
    _Language(
        _PYTHON,
        "and as assert async await break case class continue def del elif else except False finally for from global if"
        " import in is lambda match None nonlocal not or pass raise return self True try while with yield",
        "python py python3 ipython pycon starlark",
    ),
    _Language(
        _C,
        "abstract as async await bool boolean break byte case catch char class const constexpr constructor continue"
        " default defer delete do double else enum export extends extern false final finally float fn for foreach from"
        " fun func function go goto guard if implements import in instanceof int interface internal is let long map"
        " match namespace new nil null object of operator override package private protected protocol pub public range"
        " readonly ref return select self short signed sizeof static string struct super switch synchronized template"
        " this throw throws trait true try type typedef typeof undefined union unsigned use using val var virtual void"
        " volatile when where while with yield",
        "javascript js jsx mjs typescript ts tsx java kotlin kt c h cpp c++ cc hpp csharp cs c# go golang swift php"
        " scala dart zig groovy objc solidity proto protobuf glsl graphql jsonc json5",
    ),
    _Language(
        _RUST,
        "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move"
        " mut pub ref return self Self static struct super trait true type union unsafe use where while",
        "rust rs",
    ),
    _Language(
        _LUA,
        "and break do else elseif end false for function goto if in local nil not or repeat return then true until"
        " while",
        "lua luau",
    ),
    _Language(
        _SHELL,
        "alias break case cd continue do done echo elif else esac eval exec exit export fi for function if in local"
        " printf read return set shift source sudo then trap unset until while",
        "bash sh shell zsh fish console shell-session powershell ps1 dockerfile docker make makefile bat cmd",
    ),
    _Language(
        _RUBY,
        "alias and begin break case class def defmodule defp do else elsif end ensure false fn for function if in"
        " include local loop module my next nil not or our package private raise repeat require rescue return self sub"
        " super then true undef unless until use when while yield NULL TRUE FALSE",
        "ruby rb elixir ex exs perl pl r julia jl crystal nim",
    ),
    _Language(
        _SQL,
        "add all alter and any as asc autoincrement begin between by case check column commit constraint create cross"
        " default delete desc distinct drop else end exists explain foreign from full group having if in index inner"
        " insert into is join key left like limit not null offset on or order outer over partition pragma primary"
        " references returning right rollback select set table then transaction trigger union unique update using"
        " values view when where with",
        "sql sqlite postgres postgresql plpgsql mysql tsql",
    ),
    _Language(
        _DATA, "true false null yes no on off", "json jsonl yaml yml toml ini cfg conf properties env hcl tf nix"
    ),
    _Language(_TAGS, "", "html xml svg vue svelte xhtml rss plist jinja"),
    _Language(_STYLE, "", "css scss sass less"),
    _Language(_DIFF, "", "diff patch udiff"),
)


@cache
def _families() -> dict[str, _Language]:
    return {name: language for language in _LANGUAGES for name in language.names.split()}


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.VERBOSE | re.MULTILINE)


@cache
def _words(words: str, names: str) -> frozenset[str]:
    found = frozenset(words.split())
    return found | {word.upper() for word in found} if "sql" in names else found


def highlighted(code: str, language: str) -> str:
    """Return code as HTML, its tokens marked where the language is known."""
    family = _families().get(language.lower())
    if family is None or len(code) > MAX_CHARS:
        return escape(code)
    words, written, end = _words(family.words, family.names), list[str](), 0
    for match in _pattern(family.pattern).finditer(code):
        kind, text = _kind(match, words)
        if kind and text:
            start = match.start() + match.group().index(text)
            written += [escape(code[end:start]), f'<span class="{kind}">{escape(text)}</span>']
            end = start + len(text)
    written.append(escape(code[end:]))
    return "".join(written)


def _kind(match: re.Match[str], words: frozenset[str]) -> tuple[str | None, str]:
    """Return the class of a token and its text, no class for one that is not marked."""
    groups = match.groupdict()
    word = groups.get("w")
    if word is None:
        return match.lastgroup, match.group()
    return "k" if word in words else "f" if groups.get("call") else None, word
