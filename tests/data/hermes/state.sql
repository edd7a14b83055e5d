CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE system_prompts (hash TEXT PRIMARY KEY, prompt TEXT NOT NULL);
CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT NOT NULL, user_id TEXT, model TEXT, model_config TEXT,
    system_prompt TEXT, system_prompt_hash TEXT, parent_session_id TEXT, started_at REAL NOT NULL, ended_at REAL,
    end_reason TEXT, message_count INTEGER DEFAULT 0, tool_call_count INTEGER DEFAULT 0, input_tokens INTEGER DEFAULT 0,
    output_tokens INTEGER DEFAULT 0, cwd TEXT, git_branch TEXT, title TEXT, last_activity_at REAL,
    archived INTEGER NOT NULL DEFAULT 0, pinned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT,
    tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL NOT NULL, token_count INTEGER, finish_reason TEXT,
    reasoning TEXT, reasoning_content TEXT, reasoning_details TEXT, platform_message_id TEXT, observed INTEGER DEFAULT 0,
    _compressed_summary INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1,
    compacted INTEGER NOT NULL DEFAULT 0, display_kind TEXT, display_metadata TEXT);
CREATE TABLE session_model_usage (session_id TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER, output_tokens INTEGER);
CREATE VIRTUAL TABLE messages_fts USING fts5(content, content=messages, content_rowid=id);
INSERT INTO system_prompts VALUES ('ab12', 'You are Hermes.');
INSERT INTO sessions (id, source, model, model_config, system_prompt_hash, started_at, ended_at, end_reason, message_count,
    input_tokens, output_tokens, cwd, git_branch, title, last_activity_at, pinned) VALUES
    ('20260718_060537_d8b058', 'cli', 'hermes-4-405b', '{"max_iterations": 90}', 'ab12', 1784354737.5, 1784355000.0,
     'compression', 9, 1200, 340, '/home/me/app', 'main', 'List the files', 1784354999.0, 1);
INSERT INTO sessions (id, source, model, model_config, parent_session_id, started_at, title) VALUES
    ('20260718_061000_aa11bb', 'telegram', 'hermes-4-405b', '{"_branched_from": "20260718_060537_d8b058", "cwd": "/tmp"}',
     '20260718_060537_d8b058', 1784355001.0, 'List the files #2');
INSERT INTO sessions (id, source, started_at) VALUES ('20260718_070000_cc22dd', 'cli', 1784358000.0);
INSERT INTO session_model_usage VALUES ('20260718_060537_d8b058', 'hermes-4-405b', 1200, 340);
INSERT INTO messages (id, session_id, role, content, tool_call_id, tool_calls, tool_name, timestamp, token_count,
    finish_reason, reasoning, reasoning_details, active, compacted) VALUES
    (1, '20260718_060537_d8b058', 'user', 'Which files are here?', NULL, NULL, NULL, 1784354740.25, 5, NULL, NULL, NULL, 0, 1),
    (2, '20260718_060537_d8b058', 'assistant', '', NULL,
     '[{"id": "call_1", "call_id": "call_1", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"ls\"}"}}]',
     NULL, 1784354741.0, NULL, 'tool_calls', 'I will look.', '[{"type": "reasoning.text", "signature": "c2ln"}]', 0, 1),
    (3, '20260718_060537_d8b058', 'tool', '{"output": "a.txt", "exit_code": 0}', 'call_1', NULL, 'terminal', 1784354742.0, NULL, NULL, NULL, NULL, 0, 1),
    (4, '20260718_060537_d8b058', 'assistant', 'Only a.txt.', NULL, NULL, NULL, 1784354743.0, 7, 'stop', NULL, NULL, 0, 1),
    (5, '20260718_060537_d8b058', 'user', 'Delete it', NULL, NULL, NULL, 1784354744.0, NULL, NULL, NULL, NULL, 0, 0),
    (6, '20260718_060537_d8b058', 'assistant', 'Deleted.', NULL, NULL, NULL, 1784354745.0, NULL, 'stop', NULL, NULL, 0, 0),
    (7, '20260718_060537_d8b058', 'user', 'Keep it', NULL, NULL, NULL, 1784354746.0, NULL, NULL, NULL, NULL, 0, 0);
INSERT INTO messages (id, session_id, role, content, timestamp, _compressed_summary) VALUES
    (8, '20260718_060537_d8b058', 'user', '[CONTEXT COMPACTION — REFERENCE ONLY] There is one file.', 1784354750.0, 1),
    (9, '20260718_060537_d8b058', 'user', 'Keep it', 1784354746.0, 0),
    (10, '20260718_060537_d8b058', 'assistant', 'Kept.', 1784354751.0, 0);
INSERT INTO messages (id, session_id, role, content, timestamp, display_kind, platform_message_id) VALUES
    (11, '20260718_061000_aa11bb', 'session_meta', NULL, 1784355001.0, NULL, NULL),
    (12, '20260718_061000_aa11bb', 'user',
     char(0) || 'json:[{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]',
     1784355002.0, NULL, '77'),
    (13, '20260718_061000_aa11bb', 'user', '[ASYNC DELEGATION COMPLETE — deleg_1] Found.', 1784355003.0, 'async_delegation_complete', NULL),
    (14, '20260718_061000_aa11bb', 'assistant', 'A picture.', 1784355004.0, NULL, NULL),
    (15, 'lost', 'user', 'Hello?', 1784355005.0, NULL, NULL);
