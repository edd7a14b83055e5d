"""Stop words: which words of a question are not what it is about, in whatever language it is put."""

from __future__ import annotations

import pytest

from chatlog.stopwords import language_of, stop_words_of


@pytest.mark.parametrize(
    ("question", "language", "left"),
    [
        ("what did we pay for the bath", None, "pay bath"),
        ("was kostet die renovierung vom bad", "German", "kostet renovierung bad"),
        ("quel vin conseillais-tu avec le homard", "French", "vin conseillais-tu homard"),
        ("qué acordes me recomendaste", "Spanish", "acordes recomendaste"),
        ("che ripieno mi hai consigliato", "Italian", "ripieno consigliato"),
        ("какую зимнюю резину ты советовал", "Russian", "зимнюю резину советовал"),
        ("सुनीता को कौन सी सब्ज़ी पसंद नहीं", "Hindi", "सुनीता सब्ज़ी पसंद नहीं"),
        ("ما الكتاب الذي نصحتني به", "Arabic", "الكتاب نصحتني"),
    ],
)
def test_the_stop_words_of_a_question_are_those_of_its_language(question: str, language: str | None, left: str) -> None:
    """What it is about is left."""
    words = question.split()
    dropped = stop_words_of(words)
    assert language_of(words) == language
    assert [word for word in words if word not in dropped] == left.split()


@pytest.mark.parametrize("words", ["die hard", "how do i die in the man page", "man in black", "hat in ring", "par"])
def test_an_english_word_is_none_because_another_language_has_it_as_one(words: str) -> None:
    """One such word may stand in any title, and what both languages have says nothing."""
    assert language_of(words.split()) is None
