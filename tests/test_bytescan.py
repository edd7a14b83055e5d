"""The scan of bytes: what is there is found wherever it lies, what is not is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import bytescan

SECRET = "The launch code is 4711-alpha-zulu, say it to nobody else."


@pytest.mark.parametrize("offset", [0, 1, 7, 15, 16, 31, bytescan.CHUNK - 20, bytescan.CHUNK - 1])
def test_found_anywhere(tmp_path: Path, offset: int) -> None:
    """At any offset, across the pieces a file is read in too."""
    path = tmp_path / "file"
    path.write_bytes(b"\x01" * offset + SECRET.encode() + b"\x02" * 50)
    wanted = bytescan.phrases([SECRET])
    assert {*wanted} == bytescan.scan([str(path)], wanted)


@pytest.mark.parametrize("count", [1, bytescan.FEW_SHORT, bytescan.FEW_SHORT + 1, 300])
def test_short_ones_are_found_anywhere(tmp_path: Path, count: int) -> None:
    """Short phrases, few or many, at the very beginning and end too; another case is another phrase."""
    texts = [f"Tag {number:05d}" + "x" * (number % 20) for number in range(count)]
    path = tmp_path / "file"
    path.write_bytes(b"\x00-".join(text.encode() for text in texts))
    lower = [text.lower().encode() for text in texts]
    assert {text.encode() for text in texts} == bytescan.scan([str(path)], [*bytescan.phrases(texts), *lower])


def test_a_piece_of_a_long_text_is_enough(tmp_path: Path) -> None:
    """Of a text of pages any kilobyte that is left is found."""
    text = " ".join(f"word{number}" for number in range(2_000))
    path = tmp_path / "file"
    path.write_bytes(text.encode()[5_000:6_100])
    assert bytescan.scan([str(path)], bytescan.phrases([text]))


def test_what_is_not_there(tmp_path: Path) -> None:
    """Another process says what it finds, and nothing else; a file that is not there holds nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"The launch code is 4712-alpha-zulu. " * 100 + b"short title")
    assert [b"short title"] == bytescan.left_in(
        [path, tmp_path / "none"], bytescan.phrases([SECRET, "short title", "x"])
    )


def test_many_texts_are_sampled() -> None:
    """Of any number of texts so many pieces are looked for as fit, and of each kind some."""
    wanted = bytescan.phrases(f"a text that is long enough to count has number {number}" for number in range(60_000))
    assert bytescan.MOST_WINDOWS / 4 < len(wanted) <= bytescan.MOST_WINDOWS
    assert any(b"number 599" in phrase for phrase in wanted)
