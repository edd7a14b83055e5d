"""The real files of all formats: each is known as what it is, read the same each time, and whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlog.formats import READERS, detect, reader, recognised
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, Problem

from .making import conversations, manifest, messages, sample, walk

#: Files that belong to a session or its tests and are no session.
_BESIDE = ("/message/", "/part/", "/migration", ".expected.json", "_empty.jsonl")
FILES = [
    (form, row["path"])
    for form in READERS
    for row in manifest(form).values()
    if not row["path"].endswith(".zip") and not any(mark in row["path"] for mark in _BESIDE)
] or [("codex", "any.jsonl")]
#: How many conversations and messages there are in files that are read without a problem, nothing left out.
COUNTS = {
    "chatgpt/0xsalt__chatgpt_conversation_extractor__sample_conversations.json": (5, 20),
    "chatgpt/Sinity__polylogue__polylogue_schemas_providers_chatgpt_representatives_sample-00.json": (1, 3),
    "chatgpt/derived__split-export.zip": (4, 49),
    "chatgpt/minhyeong112__h20__api_server_utils_import___data___chatgpt-citations.json": (1, 2),
    "chatgpt/minhyeong112__h20__api_server_utils_import___data___chatgpt-export.json": (2, 21),
    "chatgpt/quentinous__chatgpt-export-studio__examples_conversations.json": (2, 6),
    "chatgpt/quentinous__chatgpt-export-studio__examples_sample_export.zip": (2, 6),
    "chatgpt/sugurutakahashi-1234__ai-chat-md-export__examples_chatgpt_conversations.json": (2, 8),
    "chatgpt/yetanotherchris__openwebui-importer__examples_gpt_example.json": (1, 12),
    "claude_ai/Sinity__polylogue__polylogue_schemas_providers_claude-ai_representatives_sample-00.json": (1, 3),
    "claude_ai/derived__data-export.zip": (85, 557),
    "claude_ai/osteele__claude-chat-viewer__src_data_sampleConversations_cooking.json": (1, 6),
    "claude_ai/osteele__claude-chat-viewer__src_data_sampleConversations_debugging.json": (1, 4),
    "claude_ai/osteele__claude-chat-viewer__src_data_sampleConversations_history.json": (1, 6),
    "claude_ai/osteele__claude-chat-viewer__testdata_conversation-rendering-tests.json": (1, 10),
    "claude_ai/osteele__claude-chat-viewer__testdata_conversations.json": (2, 6),
    "claude_ai/sugurutakahashi-1234__ai-chat-md-export__examples_claude_conversations.json": (2, 8),
    "claude_ai/yanndebray__claude-history-2__sample_conversations.json": (3, 8),
    "claude_ai/yetanotherchris__openwebui-importer__examples_claude_example.json": (85, 557),
    "langchain/generated__langchain-community-0.4.2__message_store.db": (12, 378),
    "langchain/generated__langchain-community-0.4.2__file_history_20.json": (1, 24),
    "openwebui/yetanotherchris__openwebui-importer__examples_webui-json.json": (1, 2),
    "openwebui/yetanotherchris__openwebui-importer__tests_expected_claude_output.json": (1, 10),
}


@pytest.mark.parametrize(("form", "name"), FILES)
def test_a_real_file_is_recognised_and_read_the_same_again(form: str, name: str) -> None:
    """It is known by its content, and a second reading yields the very same records."""
    found, source = recognised(file_source(sample(name)))
    assert form == found
    assert list(reader(form).read(source)) == list(reader(form).read(source))


@pytest.mark.parametrize(("name", "expected"), COUNTS.items())
def test_counts_of_real_files(name: str, expected: tuple[int, int]) -> None:
    """Every conversation and every message is read, of an export's files those that hold some."""
    form = Path(name).parts[0]
    read = [list(reader(form).read(member)) for member in walk(sample(name)) if detect(member) == form]
    talks = sum(len({draft.source_id for draft in conversations(records)}) for records in read)
    assert expected == (talks, sum(len(messages(records)) for records in read))
    assert not [record for records in read for record in records if isinstance(record, (Problem, LeftOut))]
