-- The tables of opencode 2, with what the program told the model between two messages.
CREATE TABLE session_v2 (id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, fork_session_id TEXT, title TEXT, directory TEXT, model TEXT, time_created INTEGER, time_updated INTEGER);
CREATE TABLE session_message (id TEXT PRIMARY KEY, session_id TEXT, type TEXT, seq INTEGER, time_created INTEGER, data TEXT);
INSERT INTO session_v2 VALUES ('ses_2', 'p', NULL, NULL, 'The mill', '/mill', '{"id": "m1"}', 1791500541000, 1791500542000);
INSERT INTO session_message VALUES
    ('msg_1', 'ses_2', 'user', 1, 1791500541001, '{"text": "List it"}'),
    ('msg_2', 'ses_2', 'system', 2, 1791500541002, '{"text": "The tools have changed."}');
