"""Tests of OpenAssistant's trees: nested and flat, ranked and deleted answers, deep and wide ones, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import oasst
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of

FIXTURE = DATA / "oasst" / "trees.jsonl"
SEED = "oasst/LAION-AI__Open-Assistant__backend_test_data_realistic_realistic_seed_data.json"
NESTED = "oasst/LAION-AI__Open-Assistant__model_model_eval_manual_data_en_100_message.jsonl"


def fixture() -> list[Record]:
    return checked(oasst.read(file_source(FIXTURE)))


def row(key: str, parent: str | None = None, **facts: Any) -> dict[str, Any]:
    role = "assistant" if parent else "prompter"
    return {"message_id": key, "parent_id": parent, "text": key, "role": role, **facts}


def read(*rows: Any) -> list[Record]:
    return checked(oasst.read(source_of(json_lines(*rows))))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def test_facts_of_a_tree() -> None:
    """A tree is a conversation under its own id, with its state and its best answer as the end."""
    expected = ConversationDraft(source_id="tree-1", metadata={"tree_state": "ready_for_export"}, head="m5")
    assert expected == conversations(fixture())[1]


def test_every_reply_is_a_message() -> None:
    """Replies follow what they answer, a branch before the next one."""
    assert [("m1", None), ("m2", "m1"), ("m3", "m1"), ("m5", "m3"), ("m4", "m1")] == links(fixture())[:5]


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("m1", "role", "user"),
        ("m1", "text", "Why is the sky blue?"),
        ("m1", "created_at", "2023-02-05T14:23:50.983Z"),
        ("m2", "role", "assistant"),
        ("m2", "metadata", {"lang": "en", "rank": 1}),
        ("m3", "model", "chip20b"),
        ("m3", "metadata", {"lang": "en", "rank": 0, "synthetic": True}),
        ("m4", "hidden", True),
        ("m4", "metadata", {"rank": 0, "deleted": True, "hidden_reason": "deleted"}),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """A message keeps its role, text, time, model, rank, marks and labels; a deleted one is hidden."""
    assert value == getattr(message(key), field)


def test_labels_and_reviews() -> None:
    """What reviewers said of a message is its metadata."""
    facts = message("m1").metadata
    assert {"quality": {"value": 0.8, "count": 3}} == facts["labels"]
    assert (3, True, {"+1": 2}) == (facts["review_count"], facts["review_result"], facts["emojis"])


def test_a_prompt_without_a_wrapper() -> None:
    """A nested prompt on its own line is a tree under its own id."""
    assert [("n1", None), ("n2", "n1")] == links(fixture())[5:]
    assert ("n1", "n2") == (conversations(fixture())[2].source_id, conversations(fixture())[3].head)


def test_flat_messages_in_any_order() -> None:
    """Flat messages become trees whatever their order; one that comes before its parent waits for it."""
    records = read(row("c", "b"), row("a"), row("z"), row("b", "a"), row("d", "a"))
    assert [("a", None), ("z", None), ("b", "a"), ("c", "b"), ("d", "a")] == links(records)
    assert {"a": "c", "z": "z"} == {draft.source_id: draft.head for draft in conversations(records)}


def test_flat_messages_name_their_tree() -> None:
    """A flat message's tree is the one it names."""
    records = read(row("a", message_tree_id="tree"), row("b", "a", message_tree_id="tree"))
    assert {"tree"} == {draft.source_id for draft in conversations(records)}
    assert ["tree", "tree"] == [message.conversation for message in messages(records)]


def test_the_best_answer() -> None:
    """The active path takes the lowest rank each time, unranked answers last, deleted ones never before others."""
    ranked = read(
        row("a"), row("b", "a", rank=2), row("c", "a", rank=1), row("d", "c"), row("e", "a", rank=0, deleted=True)
    )
    assert conversations(ranked)[-1].head == "d"
    assert conversations(read(row("a"), row("b", "a", rank=None), row("c", "a", rank=3)))[-1].head == "c"


def test_messages_whose_parent_is_not_here() -> None:
    """What answers a message that is not in the file begins a conversation, and is told."""
    records = read(row("b", "a"), row("c", "b"), row("x", "y"), row("y", "x"))
    assert {("b", None), ("c", "b"), ("x", None), ("y", "x")} == set(links(records))
    problems = [record for record in records if isinstance(record, Problem)]
    assert problems[0] == Problem("line 1", "the message it answers is not in the file")


def test_deep_and_wide_trees() -> None:
    """Neither twenty thousand answers in a row nor as many beside each other are too many."""
    deep = [row("0"), *(row(str(number), str(number - 1)) for number in range(1, 20_000))]
    assert conversations(read(*reversed(deep)))[-1].head == "19999"
    wide = [row("0"), *(row(str(number), "0", rank=-number) for number in range(1, 20_000))]
    assert conversations(read(*wide))[-1].head == "19999"


def test_a_deeply_nested_tree_is_read_or_told() -> None:
    """Nesting as deep as the parser bears is read; deeper is a problem, not a crash."""

    def nested(depth: int) -> str:
        start = '{"message_id":"%d","parent_id":null,"text":"t","role":"prompter","replies":['
        return "".join(start % number for number in range(depth)) + "]}" * depth

    assert len(messages(checked(oasst.read(source_of(nested(300)))))) == 300
    assert [Problem("line 1", "nested too deeply")] == checked(oasst.read(source_of(nested(100_000) + "\n")))


def test_a_broken_message_loses_only_itself() -> None:
    """What answers a message that cannot be read follows the one before that."""
    tree = {
        "prompt": row("a", replies=[{"message_id": "b", "text": 7, "role": "assistant", "replies": [row("c", "b")]}])
    }
    records = read({"message_tree_id": "t", **tree})
    assert [("a", None), ("c", "a")] == links(records)
    assert Problem("line 1, reply 1", "not an OpenAssistant message (TypeError)") in records


def test_the_role_is_never_a_system() -> None:
    """A message of a role that OpenAssistant has not is a problem, its text no system's."""
    records = read(row("a"), {**row("b", "a"), "role": "system"})
    assert ["user"] == [message.role for message in messages(records)]


def test_sniff() -> None:
    """Trees and messages of trees are OpenAssistant's, other messages with ids are not."""
    for text in (FIXTURE.read_text(), json_lines(row("a")), json.dumps([row("a")])):
        assert oasst.sniff(head_of(source_of(text)))
    for other in (
        {"message_id": "a", "text": "t", "role": "user", "parent_id": None},
        {"messageId": "a", "text": "t", "parentMessageId": None},
        {"role": "assistant", "content": "t"},
    ):
        assert not oasst.sniff(head_of(source_of(json.dumps(other))))


def test_wrong_types() -> None:
    """Whatever stands in the place of a value, the rest is read and what is not is a problem."""
    assert read_twisted(oasst.read, [row("a"), row("b", "a"), row("c", "b", message_tree_id="x")]) > 50


def test_real_nested_messages() -> None:
    """A real file holds the 100 prompts that the manifest counts, and the 1,067 replies below them."""
    records = checked(oasst.read(file_source(sample(NESTED))))
    spoken = messages(records)
    assert (100, 100) == (
        len({draft.source_id for draft in conversations(records)}),
        sum(message.parent is None for message in spoken),
    )
    assert len(spoken) == 1167


def test_real_flat_messages() -> None:
    """Real flat data holds the 444 messages that the manifest counts, in 74 trees where it counts each as one."""
    records = checked(oasst.read(file_source(sample(SEED))))
    assert (74, 444) == (len({draft.source_id for draft in conversations(records)}), len(messages(records)))
    assert ("user", "Hi, I want to learn to play horseshoes. Can you teach me?") == said(records)[0]


def test_a_message_that_cannot_be_read_leaves_its_replies_a_place() -> None:
    """What answers a message whose rank is no number of this world follows the one before it."""
    below = {"message_id": "c", "text": "c", "role": "prompter", "replies": 7}
    broken = {"message_id": "b", "text": "b", "role": "assistant", "rank": 10**400, "replies": [below]}
    tree = {"message_tree_id": "a", "prompt": {"message_id": "a", "text": "a", "role": "prompter", "replies": [broken]}}
    assert [("a", None), ("c", "a")] == links(oasst.read(source_of(json.dumps(tree))))
