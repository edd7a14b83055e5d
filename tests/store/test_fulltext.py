"""Tests of the word index: what is found by which words, whose, and that the index never drifts from its table."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chatlog.models import Filters, Term
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite import fulltext

from . import histories
from .making import assert_sound, failed, fresh, matching, of, only, opened, raw, say, shown, talk

LEXICAL = SearchOptions(mode="lexical")

SCRIPTS = [
    "機械学習の入門書を読んでいます",  # Japanese
    "カタカナとひらがな",
    "我们昨天讨论了数据库的备份",  # Chinese
    "데이터베이스를 백업했습니다",  # Korean
    "สวัสดีครับ ผมกำลังเรียนภาษาไทย",  # Thai
    "𠮷野家で食べる",  # beyond the basic plane
]


def found(store: Store, *terms: Term | str, **how: Any) -> list[str]:
    """Return the sorted texts of the messages that hold all the words."""
    return sorted(message.text for message in matching(store, *terms, **how))


def hits(store: Store, text: str, *queries: str) -> list[str]:
    """Return the queries that find a message of that text."""
    store.new(messages=[say(text), say("nothing of the kind")])
    return [query for query in queries if [text] == found(store, query)]


# words


def test_all_words_must_be_there_in_any_order_and_form(store: Store) -> None:
    """Case, accents and English endings do not matter; a message that lacks a word is not found."""
    store.new(messages=[say("The servers were Retrying the café's requests"), say("servers only")])
    assert ["The servers were Retrying the café's requests"] == found(store, "retry", "server", "cafe")
    assert [] == found(store, "retry", "nothing")


LOOSE = [
    ("شكرًا جزيلًا على المساعدة", "شكرا", "شكرًا", "جزيلا"),
    ("مَرْحَبًا يا أحمد", "مرحبا", "احمد", "أحمد", "إحمد", "مَرْحَبًا", "مرحـــبا"),
    ("ذهب إلى المدرسة", "المدرسه", "المدرسة", "الى"),
    ("این کتاب خوب است", "كتاب", "کتاب"),
    ("שָׁלוֹם עולם", "שלום", "שָׁלוֹם"),
    ("Die Straße ist groß", "strasse", "STRASSE", "Straße", "gross", "groß"),
    ("Łódź", "lodz", "łódź", "Łodz"),
    ("ISPARTA ılık", "ilik", "ILIK", "ılık", "ısparta"),
    ("Smørrebrød og Æble", "smorrebrod", "smørrebrød", "aeble", "æble"),
    ("Tôi đi học", "di", "đi", "Đi"),
]


@pytest.mark.parametrize("line", LOOSE)
def test_letters_and_marks_that_people_leave_out_do_not_matter(line: tuple[str, ...], store: Store) -> None:
    """Vowels of Arabic and Hebrew, alef with or without hamza, ß and ss, ł and l: either finds the other."""
    text, *queries = line
    assert queries == hits(store, text, *queries)
    store.new(messages=[say(query) for query in queries])
    assert all(text in found(store, query) for query in queries)


def test_a_phrase_is_found_as_it_is_written(store: Store) -> None:
    """Words in a row that are searched otherwise than they are written are found in a row too."""
    for phrase in ("ذهب أحمد إلى المدرسة", "die Straße ist groß", "Tôi đi học"):
        assert [phrase] == hits(store, f"… {phrase} …", phrase)


def test_unwanted_words_must_not_be_there(store: Store) -> None:
    """A message with one of them is left out, also where it stands in tool text."""
    store.new(messages=[say("plan one"), say("plan draft"), say("plan two", parts=({"type": "x", "a": "draft"},))])
    (item,) = search_messages(store, "plan -draft -nothing", options=LEXICAL).items
    assert "plan one" == item.message.text


def test_a_phrase_is_words_in_a_row(store: Store) -> None:
    """The words of a phrase stand together in that order."""
    store.new(messages=[say("out of memory error"), say("memory out of order")])
    assert ["out of memory error"] == found(store, Term("out of memory", phrase=True))


def test_a_prefix_finds_longer_words(store: Store) -> None:
    """With a star any ending will do; without, it is another word."""
    store.new(messages=[say("xylophone")])
    assert [1, 0] == [len(found(store, Term("xyl", prefix=star))) for star in (True, False)]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("call foo.bar now", ["foo", "bar", "foo.bar"]),
        ("set snake_case_name here", ["snake", "case", "name", "snake_case_name", "case_name"]),
        ("call getUserName now", ["get", "user", "name", "getUserName", "getusername"]),
        ("class HTTPServerError(Exception)", ["http", "server", "error", "HTTPServerError"]),
        ("a MyJSONParser", ["my", "json", "parser"]),
        ("see src/chatlog/query.py", ["src", "chatlog", "query", "py", "query.py", "chatlog/query.py", "src/chatlog"]),
        ("in C:\\Users\\ana\\notes.txt", ["users", "notes.txt", "C:\\Users", "ana\\notes.txt"]),
        ("use kebab-case-name", ["kebab", "case", "kebab-case-name"]),
        ("mail user@example.org", ["user", "example.org", "user@example.org"]),
        ("see https://example.org/a/b?c=d#e", ["example.org", "https://example.org/a/b", "c=d"]),
        ("std::vector<int> in C++17", ["std::vector", "vector", "C++17"]),
        ("ERR-4711 happened in v1.2.3", ["ERR-4711", "4711", "v1.2.3"]),
        ("it's the user’s", ["it's", "user’s"]),
        ("on_getUserName was called", ["user", "name"]),
        ("parse2Json and load_jsonFile", ["json", "file"]),
    ],
)
def test_identifiers_are_found_by_their_parts(store: Store, text: str, queries: list[str]) -> None:
    """Dotted, snake-case and camel-case names, paths and addresses are found whole and by each part."""
    assert queries == hits(store, text, *queries)


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_character_of_an_unspaced_script_is_found(store: Store, text: str) -> None:
    """A query of any one or two characters, or more, of Chinese, Japanese, Korean or Thai finds its message."""
    pieces = text.split()
    runs = [piece[i : i + size] for piece in pieces for size in (1, 2, 3, 5) for i in range(len(piece) - size + 1)]
    queries = [*filter(_has_letter, runs), *pieces]
    assert queries == hits(store, text, *queries)


def _has_letter(text: str) -> bool:
    """Whether there is more than vowel signs and tone marks, which nobody looks for alone."""
    return any(char.isalnum() for char in text)


@pytest.mark.parametrize(
    ("text", "query"),
    [("東京都に行く", "京東"), ("東京 京都", "東京都"), ("データ 入門", "タ入"), ("我们", "们我"), ("ภาษา ไทย", "ษาไ")],
)
def test_characters_that_do_not_stand_together_are_not_found(store: Store, text: str, query: str) -> None:
    """Order counts, and words on two sides of a blank are two."""
    assert [] == hits(store, text, query)


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Python入門を読む", ["Python", "python", "入門", "Python入門", "Python入"]),
        ("今日はPythonの日", ["Python", "はPython", "Pythonの", "今日"]),
        ("C言語とJava言語", ["C言語", "Java言語", "言語", "Java"]),
        ("3月15日に会う", ["3月", "15日", "3月15日"]),
        ("getUserName関数", ["関数", "getUserName関数", "getUserName"]),
        ("데이터베이스DB백업", ["DB", "DB백업", "백업"]),
        ("ใช้Pythonเขียน", ["Python", "เขียน", "Pythonเขียน"]),
        ("「Python入門」(第2版)", ["Python入門", "第2版", "第", "2版"]),
        ("src/x/y.pyを直す", ["src/x/y.py", "y.py", "src", "src/x/y.pyを"]),
        ("打开config.json文件", ["config.json", "config", "打开config.json"]),
        ("변수snake_case_name을", ["snake_case_name", "snake", "case_name"]),
        ("user@example.orgに送る", ["user@example.org", "example.org", "user"]),
        ("gpt-4oを使う", ["gpt-4o", "4o", "gpt-4oを"]),
        ("v1.2系で動く", ["v1.2", "v1.2系"]),
    ],
)
def test_mixed_words_are_found(store: Store, text: str, queries: list[str]) -> None:
    """A word that changes script in the middle is found whole and by either part."""
    assert queries == hits(store, text, *queries)


def test_other_scripts_are_spaced_words(store: Store) -> None:
    """Cyrillic, Greek, Arabic, Hebrew and Devanagari words are found as they stand between blanks."""
    queries = ["привет", "Γειά", "مرحبا", "שלום", "नमस्ते"]
    text = "Привет γειά مرحبا שלום नमस्ते"
    assert queries == hits(store, text, *queries)


@pytest.mark.parametrize("query", ["café", "cafe\u0301"])
def test_accents_may_be_composed_or_not(store: Store, query: str) -> None:
    """Text from a Mac and text from elsewhere is the same word."""
    store.new(messages=[say("le café"), say("le cafe\u0301 noir")])
    assert 2 == len(found(store, query))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("한국어 문서를 읽다", ["한국어", "문서", "국", "문서를"]),
        ("ガラス がんばれ", ["ガラス", "がんばれ", "ば", "がん"]),
        ("ｶﾞﾗｽのﾊﾟﾝ", ["ガラス", "パン", "ｶﾞﾗｽ", "ガラスのパン"]),
        ("ＡＢＣ社のＰｙｔｈｏｎ、カタカナ", ["ABC", "ABC社", "python", "ＡＢＣ", "ｶﾀｶﾅ"]),
        ("the ﬁancé’s oﬃce, x² and №5", ["fiancé", "office", "ﬁancé", "x2", "x²", "№5", "no5"]),
        ("ёлка и чай, ά και", ["ёлка", "чай", "ά"]),
        ("ทำงานคำ", ["ทำ", "คำ", "ทำงาน", "ง"]),
        ("một tiếng Việt", ["tiếng", "Việt", "viet"]),
    ],
)
def test_a_word_is_found_however_it_is_encoded(store: Store, text: str, queries: list[str], form: Any) -> None:
    """Characters composed or not, full, half or joined are the same, in the text and in the query."""
    asked = [*queries, *(unicodedata.normalize(form, query) for query in queries)]
    assert asked == hits(store, unicodedata.normalize(form, text), *asked)


@pytest.mark.parametrize("text", ["shipped 🎉", "🎉", "東京へ🎉行く", "getUserName 🎉🎉 ＡＢＣ", "a🎉b", "👩‍💻 and 🎉"])
def test_a_sign_is_found(store: Store, text: str) -> None:
    """An emoji is found wherever it stands, and only that one; beside words in the same term it does not count."""
    assert ["🎉", "🎉🎉"] == hits(store, text, "🎉", "🎉🎉", "🎊", "🎉🎊")


# where it stands


def test_tool_text_is_searched_apart(store: Store) -> None:
    """What a tool was given and said is found, and can be asked for or left out."""
    call = {"type": "tool_call", "id": "1", "name": "read", "arguments": {"path": "secrets.txt"}}
    store.new(messages=[say("shown words", parts=(call,)), say("secrets in text")])
    assert ["secrets in text", "shown words"] == found(store, "secrets")
    assert ["shown words"] == found(store, "secrets", within=("tool",))
    assert ["secrets in text"] == found(store, "secrets", within=("text",))


@pytest.mark.parametrize(
    ("shown_text", "tool_text", "query"), [("入門", "他", "入門"), ("getUserName", "other", "user")]
)
def test_parts_and_pairs_are_searched_where_they_stand(
    store: Store, shown_text: str, tool_text: str, query: str
) -> None:
    """Where only tool text is asked for, characters and name parts of the shown text are not found."""
    store.new(messages=[say(shown_text, parts=({"type": "x", "a": tool_text},))])
    assert ([shown_text], []) == (found(store, query, within=("text",)), found(store, query, within=("tool",)))


def test_an_author_is_found_by_name(store: Store) -> None:
    """In a shared conversation a name finds what its owner said."""
    store.new(messages=[say("hello", author="Ana Lima"), say("hi", author="Bob")])
    assert ["hello"] == found(store, "lima")


def test_bytes_and_ids_are_not_found(store: Store) -> None:
    """Inline bytes and call ids are no words."""
    parts = ({"type": "blob", "mime_type": "image/png", "content": "zebra"}, {"type": "x", "id": "zebra"})
    store.new(messages=[say("hello", parts=parts)])
    assert [] == found(store, "zebra")


def test_hidden_messages_are_found_only_when_asked(store: Store) -> None:
    """What a client does not show is not in the way."""
    store.new(messages=[say("zebra", hidden=True)])
    assert ([], ["zebra"]) == (found(store, "zebra"), found(store, "zebra", hidden=True))


def test_filters_hold_for_hits(store: Store) -> None:
    """A match is let through by its conversation's facts and by its own."""
    one = store.new(messages=[say("zebra one"), say("zebra two", "assistant", model="gpt-5")])
    store.new(messages=[say("zebra three")])
    store.tag([one.id], add=["work"])
    assert ["zebra one", "zebra two"] == found(store, "zebra", filters=Filters(tags=("work",)))
    assert ["zebra two"] == found(store, "zebra", filters=Filters(role="assistant"))
    assert ["zebra three"] == found(store, "zebra", filters=Filters(no_tags=("work",)))
    assert ["zebra two"] == found(store, "zebra", filters=Filters(model="gpt", ids=(one.id,)))


def test_the_best_come_first_and_no_more_than_asked(store: Store) -> None:
    """A short message that is about the word beats a long one that mentions it; the limit holds."""
    for text in ("zebra zebra", "zebra and other things", "zebra " + "filler words here " * 30):
        store.new(messages=[say(text)])
    best = search_messages(store, "zebra", options=LEXICAL._replace(limit=2)).items
    assert ["zebra zebra", "zebra and other things"] == [item.message.text for item in best]
    assert best[0].score > best[1].score > 0


def test_a_body_in_two_conversations_is_one_hit(store: Store) -> None:
    """A fork's copy does not fill the list; where only the fork is asked for it is the fork's."""
    parent = store.new(messages=[say("zebra")])
    child = store.fork(parent.id)
    for asked, name in ((Filters(), parent.id), (Filters(ids=(child.id,)), child.id)):
        found = search_messages(store, "zebra", asked, LEXICAL).items
        assert [name] == [item.message.conversation for item in found]


def test_trashed_and_expired_messages_are_not_found(store: Store) -> None:
    """What is out of sight is out of the results, and found in the trash when asked."""
    name = store.new(messages=[say("zebra")]).id
    store.delete([name])
    assert ([], ["zebra"]) == (found(store, "zebra"), found(store, "zebra", filters=Filters(deleted=True)))


# whose


def test_another_users_words_never_match(store: Store) -> None:
    """No hit tells of a word that only somebody else has."""
    store.new(messages=[say("zebra 入門")])
    with opened(store.info()["path"], "bob") as bob:
        bob.new(messages=[say("lion")])
        assert ([], []) == (found(bob, "zebra"), found(bob, "入"))
        assert ["lion"] == found(bob, "lion")
    assert [] == found(store, "lion")


@pytest.mark.parametrize("user", ["a", "ab", "Ana", "ana", "Ünï", "入門", "x" * 199, "u610", "a OR b", '"', "running"])
def test_any_name_is_a_user_of_its_own(store: Store, user: str) -> None:
    """Names that look alike, or like the language of the index, do not meet."""
    store.new(messages=[say("zebra")])
    path = store.info()["path"]
    with opened(path, user) as one, opened(path, user + "b") as other:
        one.new(messages=[say("zebra mine")])
        other.new(messages=[say("zebra other")])
        assert ["zebra mine"] == found(one, "zebra")
        assert [] == found(other, "mine")


@pytest.mark.parametrize("text", ["u6c6f63616c0", 'zebra" OR owner : "u', "owner", "* OR *", "zebra) OR (zebra"])
def test_no_query_reaches_into_the_owner(store: Store, text: str) -> None:
    """Words that try to leave their quotes are words."""
    store.new(messages=[say("zebra")])
    with opened(store.info()["path"], "bob") as bob:
        bob.new(messages=[say("lion")])
        assert [] == found(bob, text)


# never fails


QUERIES = st.text() | st.lists(
    st.sampled_from(
        [
            '"',
            "'",
            "*",
            "(",
            ")",
            ":",
            "^",
            "-",
            "+",
            "NEAR",
            "AND",
            "OR",
            "NOT",
            "a",
            "入",
            "ก",
            "\x00",
            " ",
            ".",
            "{",
            "}",
        ]
    ),
    max_size=8,
).map("".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUERIES, st.booleans(), st.booleans(), st.sampled_from([("text", "tool"), ("text",), ("tool",)]))
def test_any_term_can_be_asked_for(text: str, phrase: bool, prefix: bool, within: tuple[str, ...]) -> None:
    """Whatever a term holds, the index answers, wanted or unwanted."""
    term = Term(text, phrase=phrase, prefix=prefix)
    store = _shared_store()
    matching(store, term, within=within)
    matching(store, "zebra", term, within=within)
    store.words.posting([Term("zebra")], within, 10, beside=[term])


def _shared_store(kept: list[Store] = []) -> Store:  # noqa: B006  one store for all examples
    if not kept:
        import atexit
        import tempfile
        from pathlib import Path

        folder = tempfile.TemporaryDirectory()
        atexit.register(folder.cleanup)
        kept.append(opened(Path(folder.name) / "chats.db"))
        kept[0].new(messages=[say("zebra 入門 a.b")])
    return kept[0]


@settings(deadline=None, max_examples=60)
@given(st.text(min_size=1) | st.lists(histories.WORDS, min_size=1, max_size=3).map("".join))
@example("´:0´ក")
def test_a_message_is_found_by_its_own_words(text: str) -> None:
    """Every word of a message, as it stands between blanks, finds it."""
    with fresh() as store:
        store.new(messages=[say(text)])
        assert [] == [word for word in text.split() if _is_word(word) and [text] != found(store, word)]


def _is_word(word: str) -> bool:
    """Whether a word holds a letter, and no code point that Unicode has not given yet."""
    return any(char.isalnum() for char in word) and all(unicodedata.category(char) != "Cn" for char in word)


# in step


def test_deleted_and_replaced_words_are_gone(store: Store) -> None:
    """A message that a newer version replaced is found by its new words only, and the index holds no other."""
    store.ingest("chatgpt", of("c", talk("alphaword", "same")))
    store.ingest("chatgpt", of("c", talk("betaword", "same")))
    assert ([], ["betaword"]) == (found(store, "alphaword"), found(store, "betaword"))
    assert 0 == _in_index(store, "alphaword")
    assert_sound(store)


def test_two_versions_in_one_batch_leave_no_trace(store: Store) -> None:
    """The first of two versions that come together is never in the index."""
    first, second = talk("alphaword"), talk("betaword")
    store.ingest("chatgpt", of("c", [*first, *second]))
    assert ["betaword"] == shown(store)
    assert 0 == _in_index(store, "alphaword")
    assert_sound(store)


def _in_index(store: Store, word: str) -> int:
    with raw(store) as connection:
        count: int = connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f'"{word}"',)).fetchone()[0]
        return count


def test_a_dry_run_leaves_the_index_alone(store: Store) -> None:
    """What was only tried cannot be found."""
    store.ingest("chatgpt", of("c", talk("zebra")), dry_run=True)
    assert [] == found(store, "zebra")
    assert_sound(store)


def test_deleted_words_are_overwritten(store: Store) -> None:
    """The index is told to remove what is deleted from its pages, not only to forget it."""
    with raw(store) as connection:
        found_setting = connection.execute("SELECT v FROM words_config WHERE k = 'secure-delete'").fetchone()
        assert (1,) == found_setting
        assert (1,) == connection.execute("PRAGMA secure_delete").fetchone()


def test_a_drifted_index_is_seen_and_rebuilt(store: Store) -> None:
    """An index that lacks a message fails its check, and is recreated from the messages."""
    store.new(messages=[say("zebra"), say("lion")])
    with raw(store) as connection:
        fulltext.unindex(connection, [1])
    assert {"word index": "does not agree with the messages"} == failed(store)
    store.rebuild()
    assert ["zebra"] == found(store, "zebra")
    assert_sound(store)


LAW = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def check_in_step(steps: list[histories.Step]) -> None:
    """Assert that after any history the index agrees with its table and finds every message's first word."""
    with fresh() as store, opened(store.info()["path"], "bob") as bob:
        histories.play(store, steps[::2])
        histories.play(bob, steps[1::2])
        histories.play(store, steps)
        assert_sound(store)
        store.rebuild()
        assert_sound(store)
        for mine, theirs in ((store, bob), (bob, store)):
            ids = {hit.message.conversation for hit in theirs.scan(hidden=True)}
            for word in ("ok", "retry", "user", "入門", "ภาษา"):
                assert not ids & {message.conversation for message in matching(mine, word, hidden=True)}


@LAW
@given(histories.steps(12))
def test_the_index_stays_in_step(steps: list[histories.Step]) -> None:
    """After any mixture of writes, imports, forks, replacements and deletions of two users every check passes."""
    check_in_step(steps)


@pytest.mark.slow
@settings(LAW, max_examples=200)
@given(histories.steps(25))
def test_the_index_stays_in_step_in_the_long_run(steps: list[histories.Step]) -> None:
    """The same law on many longer histories."""
    check_in_step(steps)


def test_an_imported_fork_is_found_once(store: Store) -> None:
    """Two sessions of a source that share a message share its body, and it is one hit."""
    store.ingest("claude_code", [*of("one", talk("zebra")), *of("two", talk("zebra", "lion"))])
    assert 1 == len(search_messages(store, "zebra", options=LEXICAL).items)
    assert 2 == store.conversations().total


def test_the_expression_is_bound_to_the_user() -> None:
    """The user's token stands before everything that is asked, as the index spells it."""
    asked = fulltext.expression("ana", [Term("a")], ("text",), any_of=[Term("b")])
    assert 'owner : "u616e610" AND {text author extra} : ("a" AND ("b"))' == asked
    assert None is fulltext.expression("ana", [Term("?!")], ("text",))


def test_only_conversations_of_mine(store: Store) -> None:
    """A message found belongs to a conversation that can be read."""
    store.new(messages=[say("zebra")])
    (message,) = matching(store, "zebra")
    assert only(store) == message.conversation
