-- A table of SQLChatMessageHistory to which an application added when each message came.
CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT, created_at TEXT);
INSERT INTO message_store (session_id, message, created_at) VALUES
    ('birds-of-a-feather', '{"type": "human", "data": {"content": "How many birds?"}}', '2026-01-31 10:00:00'),
    ('birds-of-a-feather', '{"type": "ai", "data": {"content": "Three."}}', '2026-01-31 10:00:02');
