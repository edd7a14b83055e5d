"""Tests of JSON from streams: lines and elements one by one, broken ones named and passed over."""

from __future__ import annotations

import codecs
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import jsonstream
from chatlog.formats.jsonstream import Line, document, encoding_of, first_keys, items, lines, sound
from chatlog.models import Problem, Unfinished

from .making import source_of

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
JSON = st.recursive(
    st.none() | NUMBERS | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=6)
ENCODINGS = [
    ("utf-8", b""),
    ("utf-8", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
]


def values(found: Any) -> list[Any]:
    return [each.value for each in found if isinstance(each, Line)]


def outcome(found: Any) -> list[tuple[str, Any]]:
    return [(each.place, each.value if isinstance(each, Line) else each.reason) for each in found]


# lines


@given(OBJECTS, st.booleans())
def test_lines_come_out_as_they_went_in(objects: list[Any], spaced: bool) -> None:
    """JSONL of any objects is read value by value, blank lines or not."""
    text = "".join(json.dumps(each) + ("\n\n" if spaced else "\n") for each in objects)
    assert objects == values(lines(source_of(text)))


@given(OBJECTS)
def test_only_a_line_feed_ends_a_line(objects: list[Any]) -> None:
    """Characters that end a line elsewhere, unescaped in a string, do not end one here."""
    text = "".join(json.dumps(each, ensure_ascii=False) + "\r\n" for each in [*objects, {"a": "\u2028\x85\u2029"}])
    assert [*objects, {"a": "\u2028\x85\u2029"}] == values(lines(source_of(text)))


@pytest.mark.parametrize(("encoding", "mark"), ENCODINGS)
def test_lines_may_have_a_byte_order_mark(encoding: str, mark: bytes) -> None:
    """UTF-8 with a mark and UTF-16 of either order are read like plain UTF-8."""
    data = mark + '{"a": "é"}\n{"b": "入"}\n'.encode(encoding)
    assert [{"a": "é"}, {"b": "入"}] == values(lines(source_of(data)))


def test_objects_glued_onto_one_line_come_apart() -> None:
    """Two writers of one file may forget a line end; nothing is lost."""
    assert [("line 1", {"a": 1}), ("line 1", {"b": 2}), ("line 2", {"c": 3})] == outcome(
        lines(source_of('{"a":1}{"b":2}\n{"c":3}\n'))
    )


def test_a_broken_line_is_named_and_the_next_one_read() -> None:
    """A problem holds line and column, never the words."""
    found = outcome(lines(source_of('{"a":1}\n{"secret" 2}\n{"b":2}\n')))
    assert [("line 1", {"a": 1}), ("line 2", "not valid JSON at column 11"), ("line 3", {"b": 2})] == found


def test_what_stands_before_a_break_on_a_line_is_kept() -> None:
    """Of glued objects the whole ones come out, the broken one is a problem."""
    assert [("line 1", {"a": 1}), ("line 1", "not valid JSON at column 8")] == outcome(
        lines(source_of('{"a":1}{"b"\n'))
    )


def test_a_last_line_without_its_end_is_unfinished() -> None:
    """A session that is still being written is no broken file."""
    assert [Unfinished("line 2", "not valid JSON at column 6")] == list(lines(source_of('{"a":1}\n{"b":')))[1:]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "a number too long to read"),
        ('{"a": NaN, "b": -Infinity}x', "not valid JSON at column 27"),
        ("\x00\x00{", "not valid JSON at column 2"),
    ],
)
def test_hostile_json_is_a_problem(line: str, reason: str) -> None:
    """Depth, absurd numbers and rubbish are named, never raised, and the next line is read."""
    found = list(lines(source_of(line + "\n{}\n")))
    assert Problem("line 1", reason) == found[-2]
    assert Line("line 2", {}, 2) == found[-1]


@given(st.binary(max_size=200))
def test_any_bytes_are_lines_or_problems(data: bytes) -> None:
    """Reading never raises, whatever the bytes."""
    assert all(isinstance(each, (Line, Problem)) for each in lines(source_of(data)))


def test_invalid_utf_8_costs_only_its_characters() -> None:
    """Bytes that are no UTF-8 become replacement characters; the rest of the line stays."""
    assert [{"a": "x\ufffdy"}] == values(lines(source_of(b'{"a": "x\xffy"}\n')))


def test_a_key_given_twice_has_its_last_value() -> None:
    """Duplicate keys are read as every other reader does."""
    assert [{"a": 2}] == values(lines(source_of('{"a":1,"a":2}\n')))


def test_what_is_no_number_in_json_is_kept_as_its_name() -> None:
    """NaN and Infinity, which some writers use, become text, so that what is stored is JSON."""
    assert [["NaN", "-Infinity", 1.5]] == values(lines(source_of("[NaN, -Infinity, 1.5]\n")))
    assert ["NaN", "Infinity"] == values(items(source_of("[NaN, Infinity]")))


def test_a_number_beyond_all_floats_is_kept_as_it_is_written() -> None:
    """It would be infinity, which no JSON that is stored can hold: what it stands in would be lost."""
    text = '{"a": [1e999, -1E+400, 1e-999, 1.5]}'
    expected = {"a": ["1e999", "-1E+400", 0.0, 1.5]}
    assert [expected] == values(lines(source_of(text + "\n")))
    assert [expected] == values(items(source_of(f"[{text}]")))


# half surrogate pairs, which no file can hold


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\ud800"', r"\ud800"),
        (r'"\uDC00x"', r"\uDC00x"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\ude00\ud83d"', r"\ude00\ud83d"),
        (r'"\ud83d\ud83d\ude00"', r"\ud83d" + "😀"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\ud800"', "\\" + r"\ud800"),
        (r'"\u00e9"', "é"),
    ],
)
def test_half_a_surrogate_pair_is_spelt_out(text: str, expected: str) -> None:
    """A lone half becomes the escape it was; pairs and everything else stay what they are."""
    assert expected == json.loads(sound(text))


@given(JSON)
def test_sound_json_is_left_alone(value: Any) -> None:
    """JSON without half pairs means the same afterwards, escaped or not."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert value == json.loads(sound(text))


@given(st.text(st.characters(categories=["Cs", "Lu"]) | st.sampled_from("\\ud8"), max_size=12))
def test_what_is_sound_can_be_stored(text: str) -> None:
    """Whatever halves a string holds, what is read of its JSON can be written as UTF-8."""
    json.loads(sound(json.dumps(text))).encode()


# elements


@settings(deadline=None)
@given(OBJECTS, st.integers(1, 40), st.sampled_from([None, 1, 4]))
def test_elements_come_out_one_by_one(objects: list[Any], chunk: int, indent: int | None) -> None:
    """An array of any objects is read element by element, wherever the window's edge falls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonstream, "_CHUNK", chunk)
        found = list(items(source_of(json.dumps(objects, indent=indent))))
    assert objects == values(found)
    assert [f"item {number}" for number in range(1, len(objects) + 1)] == [each.place for each in found]


@given(
    st.integers(1, 30),
    st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(), max_size=6),
)
def test_numbers_are_not_cut_at_the_window(chunk: int, numbers: list[Any]) -> None:
    """A number that goes on behind the window's edge is read whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonstream, "_CHUNK", chunk)
        assert numbers == values(items(source_of(json.dumps(numbers))))


@pytest.mark.parametrize(("encoding", "mark"), ENCODINGS)
def test_elements_may_have_a_byte_order_mark(encoding: str, mark: bytes) -> None:
    """Arrays in UTF-16, as some exporters on Windows write them, are read."""
    assert ["é", "入"] == values(items(source_of(mark + '["é", "入"]'.encode(encoding))))


def test_an_array_under_a_key_is_read_as_the_array() -> None:
    """An object that wraps its list is entered, wherever the key stands."""
    text = '{"version": 1, "other": {"list": [0]}, "list": [1, 2]}'
    assert [1, 2] == values(items(source_of(text), "list"))


def test_an_array_under_the_key_of_another_object_is_left_alone() -> None:
    """A key that holds no array is none of the list, whatever lies under the same key further in."""
    text = '{"list": null, "other": {"list": [0]}}'
    assert [("item 1", json.loads(text))] == outcome(items(source_of(text), "list"))
    assert [1] == values(items(source_of(text[:-1] + ', "list" : [1]}'), "list"))


def test_a_single_object_is_one_element() -> None:
    """A document that holds no array is read as a whole."""
    assert [("item 1", {"a": [1]})] == outcome(items(source_of('{"a": [1]}'), "list"))


def test_a_broken_element_is_named_and_the_next_sibling_read() -> None:
    """Behind a broken element reading goes on at the next object that looks like the others."""
    good = json.dumps({"id": "1", "title": "t", "mapping": {}})
    found = outcome(items(source_of(f'[{good}, {{"id": "2", "title": oops, "mapping": {{}}}}, {good}]')))
    assert ["item 1", "item 2", "item 3"] == [place for place, _ in found]
    assert [True, False, True] == [isinstance(value, dict) for _, value in found]
    assert "not valid JSON" in found[1][1]
    assert "oops" not in found[1][1]


@pytest.mark.parametrize("cut", [1, 5, 12, 13, 14])
def test_a_file_cut_off_is_read_to_the_cut(cut: int) -> None:
    """A download that ended early gives its whole elements and one problem."""
    text = '[{"a":1},{"b":2}]'[:-cut]
    found = list(items(source_of(text)))
    assert [{"a": 1}, {"b": 2}][: len(found) - 1] == values(found)
    assert isinstance(found[-1], Problem)


@given(st.binary(max_size=200))
def test_any_bytes_are_elements_or_problems(data: bytes) -> None:
    """Reading never raises, whatever the bytes."""
    assert all(isinstance(each, (Line, Problem)) for each in items(source_of(data), "list"))


def test_memory_is_bounded_by_the_largest_element(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window never holds more than an element and a chunk, however long the array is."""
    monkeypatch.setattr(jsonstream, "_CHUNK", 100)
    widest = 0
    reader = jsonstream._Reader

    class Watched(reader):  # type: ignore[misc, valid-type]
        def more(self, size: int = 100) -> bool:
            nonlocal widest
            found: bool = super().more(size)
            widest = max(widest, len(self.text))
            return found

    monkeypatch.setattr(jsonstream, "_Reader", Watched)
    assert 500 == len(values(items(source_of(json.dumps([{"number": n, "text": "x" * 50} for n in range(500)])))))
    assert widest < 400


# documents and heads


def test_a_document_is_read_whole() -> None:
    """A small JSON document of any encoding is returned as a value."""
    assert {"a": "é"} == document(source_of(codecs.BOM_UTF8 + '{"a": "é"}'.encode()))
    with pytest.raises(ValueError, match="Expecting"):
        document(source_of("{"))


def test_the_encoding_is_what_the_mark_says() -> None:
    """Without a byte order mark it is UTF-8."""
    heads = [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8, b"{", b""]
    assert ["utf-16", "utf-16", "utf-8-sig", "utf-8", "utf-8"] == [encoding_of(head) for head in heads]


@given(st.dictionaries(st.text(st.characters(exclude_characters='"\\', codec="utf-8")), JSON))
def test_the_first_keys_are_the_top_ones(value: dict[str, Any]) -> None:
    """Of an object, or of the first in an array, the keys of the top level are found in order."""
    text = json.dumps(value, ensure_ascii=False)
    assert [json.dumps(key, ensure_ascii=False)[1:-1] for key in value] == first_keys(text)
    assert first_keys(text) == first_keys(f"[{text}, {{}}]")


@given(st.dictionaries(st.text(), JSON), st.integers(0, 100))
def test_the_first_keys_of_a_cut_object_are_among_its_keys(value: dict[str, Any], cut: int) -> None:
    """A head that ends in the middle, also of a string, shows no key that is not there."""
    text = json.dumps(value)
    assert set(first_keys(text[:cut])) - {""} <= set(first_keys(text))
