-- A log that has seen every version of llm: the tables of each, with a row for each thing they can hold.

-- 2023, spring: chats by the number of their first row.
CREATE TABLE log (id INTEGER PRIMARY KEY, model TEXT, timestamp TEXT, prompt TEXT, system TEXT, response TEXT,
    chat_id INTEGER, debug TEXT, duration_ms INTEGER);
INSERT INTO log VALUES
    (1, 'gpt-3.5-turbo', '2023-05-01 10:00:00.123456', 'Name a bird', 'Be brief', 'Wren', NULL, '{"n": 1}', 900),
    (2, 'gpt-3.5-turbo', '2023-05-01 10:01:00.123456', 'Another', NULL, 'Owl', 1, '{}', 800),
    (3, 'gpt-4', '2023-05-02 10:00:00.123456', 'Alone', NULL, 'Yes', NULL, '{}', 700);

-- 2023, summer: replies, which may branch.
CREATE TABLE logs (id INTEGER PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, reply_to_id INTEGER, chat_id INTEGER, duration_ms INTEGER, datetime_utc TEXT);
INSERT INTO logs VALUES
    (5, 'gpt-4', 'A fish?', NULL, '{"messages": []}', '{"temperature": 0.5}', 'Cod',
        '{"usage": {"prompt_tokens": 3, "completion_tokens": 1}, "id": "x-1"}', NULL, NULL, 100, '2023-06-01T10:00:00.5'),
    (6, 'gpt-4', 'Bigger', NULL, NULL, '{}', 'Tuna', NULL, 5, 5, 100, '2023-06-01T10:01:00'),
    (7, 'gpt-4', 'Smaller', NULL, NULL, '{}', 'Sprat', NULL, 5, 5, 100, '2023-06-01T10:02:00'),
    (8, 'gpt-4', 'Lost parent', NULL, NULL, '{}', 'Found', NULL, 99, NULL, 100, '2023-06-01T10:03:00');

-- 2023 to 2026: conversations and responses.
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE schemas (id TEXT PRIMARY KEY, content TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER,
    output_tokens INTEGER, token_details TEXT, schema_id TEXT, resolved_model TEXT, reasoning TEXT);
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER,
    PRIMARY KEY (response_id, attachment_id));
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT, source TEXT);
CREATE TABLE fragment_aliases (alias TEXT PRIMARY KEY, fragment_id INTEGER);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER,
    PRIMARY KEY (response_id, fragment_id, "order"));
CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER,
    PRIMARY KEY (response_id, fragment_id, "order"));
CREATE TABLE tools (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, input_schema TEXT, plugin TEXT);
CREATE TABLE tool_responses (tool_id INTEGER, response_id TEXT, PRIMARY KEY (tool_id, response_id));
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT,
    tool_call_id TEXT);
CREATE TABLE tool_instances (id INTEGER PRIMARY KEY, plugin TEXT, name TEXT, arguments TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, output TEXT,
    tool_call_id TEXT, instance_id INTEGER, exception TEXT);
CREATE TABLE tool_results_attachments (tool_result_id INTEGER, attachment_id TEXT, "order" INTEGER,
    PRIMARY KEY (tool_result_id, attachment_id));
INSERT INTO schemas VALUES ('s1', '{"type": "object"}');
INSERT INTO attachments VALUES ('a-bytes', 'image/png', NULL, NULL, x'89504e47'),
    ('a-url', 'image/jpeg', NULL, 'https://example.com/b.jpg', NULL), ('a-path', 'audio/wav', '/home/ann/c.wav', NULL, NULL);
INSERT INTO fragments VALUES (1, 'hash-1', 'A long book', '2025-01-01', 'book.txt'), (2, 'hash-2', ' Speak softly ', NULL, NULL);
INSERT INTO tools VALUES (1, 'hash-t', 'add', 'Adds', '{"type": "object", "properties": {}}', 'sums');
INSERT INTO tool_instances VALUES (1, 'box', 'Box', '{"size": 2}');
INSERT INTO conversations VALUES ('01c1', 'Counting', 'gpt-4o'), ('01c2', NULL, 'gpt-4o');
INSERT INTO responses VALUES
    ('01r1', 'gpt-4o', 'Count', 'Be exact', NULL, '{"seed": 1}', 'Let me add', '{"id": "y"}', '01c1', 50,
        '2025-03-01T10:00:00.000001+00:00', 11, 12, '{"cached": 4}', 's1', 'gpt-4o-2024', 'First I think'),
    ('01r2', 'gpt-4o', '', 'Be exact', NULL, '{}', 'Five', NULL, '01c1', 60, '2025-03-01T10:01:00+00:00', 13, 14, NULL,
        NULL, NULL, NULL),
    ('01r3', 'gpt-4o', 'Fail', 'Be lax', NULL, '{}', NULL, NULL, '01c1', 70, '2025-03-01T10:02:00+00:00', NULL, NULL,
        NULL, NULL, NULL, NULL),
    ('01r4', 'gpt-4o', NULL, NULL, NULL, '{}', 'A picture', NULL, '01c2', 80, '2025-03-01T10:03:00+00:00', NULL, NULL,
        NULL, NULL, NULL, NULL),
    ('01r5', 'gpt-4o', 'No talk', NULL, NULL, '{}', 'Right', NULL, NULL, 90, '2025-03-01T10:04:00+00:00', NULL, NULL,
        NULL, NULL, NULL, NULL);
INSERT INTO prompt_fragments VALUES ('01r1', 1, 0);
INSERT INTO system_fragments VALUES ('01r1', 2, 0), ('01r2', 2, 0);
INSERT INTO prompt_attachments VALUES ('01r4', 'a-url', 1), ('01r4', 'a-bytes', 0), ('01r4', 'a-path', 2);
INSERT INTO tool_responses VALUES (1, '01r1');
INSERT INTO tool_calls VALUES (1, '01r1', 1, 'add', '{"a": 2, "b": 3}', 'call-1'), (2, '01r1', 1, 'add', '{"a": 1}', NULL);
INSERT INTO tool_results VALUES (1, '01r2', 1, 'add', '5', 'call-1', 1, NULL),
    (2, '01r2', 1, 'add', 'boom', NULL, NULL, 'TypeError: boom');
INSERT INTO tool_results_attachments VALUES (1, 'a-url', 0);

-- 2026: messages that threads share.
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
    resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER,
    token_details TEXT, duration_ms INTEGER, datetime_utc TEXT, response_json TEXT);
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
    payload TEXT);
CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER, instance_id INTEGER, PRIMARY KEY (turn_id, tool_id));
CREATE TABLE turn_fragments (turn_id TEXT, fragment_id INTEGER, "order" INTEGER, kind TEXT);
CREATE TABLE tool_instantiations (turn_id TEXT, tool_call_id TEXT, instance_id INTEGER);
INSERT INTO threads VALUES
    ('01c2', 'What is this', 'b2:4', NULL, '2026-06-01 10:00:00.000001+00:00'),
    ('02t1', 'Birds', 'b2:16', NULL, '2026-06-02 10:00:00.000001+00:00'),
    ('02t2', 'Birds again', 'b2:12', '02t1', '2026-06-03 10:00:00.000001+00:00');
INSERT INTO messages VALUES
    ('b2:1', NULL, 'user', NULL), ('b2:2', 'b2:1', 'assistant', NULL), ('b2:3', 'b2:2', 'user', NULL),
    ('b2:4', 'b2:3', 'assistant', NULL),
    ('b2:10', NULL, 'system', NULL), ('b2:11', 'b2:10', 'user', NULL),
    ('b2:12', 'b2:11', 'assistant', '{"model": {"sig": "z"}}'), ('b2:13', 'b2:12', 'tool', NULL),
    ('b2:14', 'b2:13', 'assistant', NULL), ('b2:15', 'b2:12', 'user', NULL), ('b2:16', 'b2:15', 'assistant', NULL),
    ('b2:99', NULL, 'user', NULL);
INSERT INTO parts (message_hash, position, type, tool_name, text, payload) VALUES
    ('b2:1', 0, 'attachment', NULL, NULL, '{"attachment": {"id": "a-bytes"}}'),
    ('b2:1', 1, 'attachment', NULL, NULL, '{"attachment": {"id": "a-url"}}'),
    ('b2:1', 2, 'attachment', NULL, NULL, '{"attachment": {"id": "a-path"}}'),
    ('b2:2', 0, 'text', NULL, 'A picture', NULL),
    ('b2:3', 0, 'text', NULL, 'Of what?', NULL),
    ('b2:4', 0, 'text', NULL, 'A wren', NULL),
    ('b2:10', 0, 'text', NULL, 'Be kind', NULL),
    ('b2:11', 0, 'text', NULL, NULL, '{"text_ref": [{"fragment": 1}, {"literal": "\nsum it up"}]}'),
    ('b2:12', 0, 'reasoning', NULL, 'Hm', '{"redacted": true}'),
    ('b2:12', 1, 'text', NULL, 'Adding', NULL),
    ('b2:12', 2, 'tool_call', 'add', NULL, '{"name": "add", "arguments": {"a": 1}, "tool_call_id": "call-9"}'),
    ('b2:12', 3, 'hologram', NULL, NULL, '{"beam": 1}'),
    ('b2:13', 0, 'tool_result', 'add', NULL,
        '{"name": "add", "output": "no", "tool_call_id": "call-9", "exception": "E", "attachments": [{"id": "a-url"}]}'),
    ('b2:14', 0, 'text', NULL, 'Done', NULL),
    ('b2:15', 0, 'text', NULL, 'Never mind', NULL),
    ('b2:16', 0, 'text', NULL, 'Fine', NULL),
    ('b2:99', 0, 'text', NULL, 'Orphan', NULL);
INSERT INTO turns VALUES
    ('02a1', '01c2', 'b2:3', 'b2:4', 'gpt-5', NULL, NULL, NULL, 1, 2, NULL, 10, '2026-06-01T10:00:00+00:00', NULL),
    ('02b1', '02t1', 'b2:11', 'b2:12', 'gpt-5', 'gpt-5-mini', '{"seed": 2}', 's1', 5, 6, '{"cached": 1}', 20,
        '2026-06-02T10:00:00+00:00', '{"id": "r", "text": {"$": "0.0.text"}}'),
    ('02b2', '02t1', 'b2:13', 'b2:14', 'gpt-5', NULL, NULL, NULL, 7, 8, NULL, 30, '2026-06-02T10:01:00+00:00', NULL),
    ('02b3', '02t1', 'b2:15', 'b2:16', 'gpt-6', NULL, NULL, NULL, 9, 9, NULL, 40, '2026-06-02T10:02:00+00:00', NULL);
INSERT INTO turn_tools VALUES ('02b1', 1, 1);
INSERT INTO turn_fragments VALUES ('02b1', 1, 0, 'prompt');
INSERT INTO tool_instantiations VALUES ('02b2', 'call-9', 1);
