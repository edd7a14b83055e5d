"""The schema, as one commented SQL text; each index says which query it serves.

Words of a user are in `conversations.title`, `bodies`, `summaries`, `memories`, `tags`, `state` and
`metadata`, and nowhere else.  The indexes (`words`, `vectors`) are disposable: they are rebuilt from `bodies`.
"""

from __future__ import annotations

#: "chlg": says in the file's header that the file is chatlog's.
APPLICATION_ID = 0x63686C67
#: Marks a file that another one took the place of, for those who still wait for it.
MOVED = 0x63686C78
#: The schema this code writes; migrations.py brings older files here.
VERSION = 1

TABLES = """
-- A conversation.  `key` is internal, `id` is what people see, unique for its user.
CREATE TABLE conversations (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    user TEXT NOT NULL,
    title TEXT,
    title_by TEXT NOT NULL DEFAULT 'text' CHECK (title_by IN ('text', 'source', 'owner')),
    source TEXT,                        -- the format it was imported from; NULL: our own
    source_id TEXT,                     -- its id there
    parent TEXT,                        -- id of the conversation it was forked or spawned from
    forked_at INTEGER,                  -- the parent's seq up to which both are the same
    head_seq INTEGER,                   -- the active leaf
    last_seq INTEGER NOT NULL DEFAULT 0, -- the highest seq ever given
    model TEXT,
    project TEXT,                       -- working directory or folder
    created_at TEXT NOT NULL,           -- all times: ISO-8601 UTC, 2026-11-20T21:44:00.123Z
    updated_at TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    hold TEXT,                          -- reason of a legal hold
    deleted_at TEXT,                    -- in the trash since
    expires_at TEXT,                    -- invisible from then on
    state TEXT NOT NULL DEFAULT '{}',
    metadata TEXT NOT NULL DEFAULT '{}',
    redacted INTEGER NOT NULL DEFAULT 0, -- 1: title, project or metadata were, no import completes them; +2: it came so
    revision INTEGER NOT NULL DEFAULT 0, -- bumped by each write
    message_count INTEGER NOT NULL DEFAULT 0,
    token_count INTEGER,
    UNIQUE (user, id)                   -- resolve an id or a prefix of it
);
-- list, @last: the most recently changed first
CREATE INDEX conversations_recent ON conversations (user, updated_at, key);
-- import: the conversation of a source
CREATE UNIQUE INDEX conversations_source ON conversations (user, source, source_id) WHERE source_id IS NOT NULL;
-- search: those that somebody gave a title, not made of their first words
CREATE INDEX conversations_titled ON conversations (user, title) WHERE title_by <> 'text';
-- forks and sub-agents of a conversation
CREATE INDEX conversations_parent ON conversations (user, parent) WHERE parent IS NOT NULL;
-- prune: what has expired, what is in the trash
CREATE INDEX conversations_expiring ON conversations (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX conversations_trash ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

-- What was said: append-only, never updated to grow, so that deleted bytes vanish.
-- A fork's messages share the bodies of its parent's.
CREATE TABLE bodies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    author TEXT,                        -- a person's or an agent's name
    text TEXT NOT NULL,                 -- what a person reads
    tool TEXT,                          -- the strings in tool calls, their results, reasoning and attachments
    parts TEXT,                         -- JSON, where text is not all of it; {"$text": [0, 9]} is a piece of `text`
    extra TEXT,                         -- search terms that the tokenizer cannot find in `text` by itself
    tool_extra TEXT,                    -- the same of `tool`
    metadata TEXT,                      -- JSON
    sha256 BLOB NOT NULL                -- of canonical role and parts
);

-- A message: a body's place in a conversation, and the facts about it that change.  Kept in the order of its
-- key, so that the active path is one range scan without an index that each append would have to write.
CREATE TABLE messages (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    seq INTEGER NOT NULL,               -- 1, 2, 3 … in order of arrival, never given twice
    body INTEGER NOT NULL REFERENCES bodies (id),
    parent_seq INTEGER,                 -- a tree: edits and regenerations are siblings
    active INTEGER NOT NULL,            -- 1: on the path from the root to head_seq
    role TEXT NOT NULL CHECK (role IN ('system', 'developer', 'user', 'assistant', 'tool')),
    model TEXT,
    created_at TEXT NOT NULL,
    source_id TEXT,
    key TEXT,                           -- the caller's idempotency key
    hidden INTEGER NOT NULL DEFAULT 0,
    importance TEXT CHECK (importance IN ('keep', 'summarize', 'discard')),
    PRIMARY KEY (conversation, seq)
) WITHOUT ROWID;
-- search: where a body stands; also the foreign key's way back
CREATE INDEX messages_body ON messages (body);
-- import: what is already here, in this conversation or in another one of the same source
CREATE UNIQUE INDEX messages_source ON messages (source_id, conversation) WHERE source_id IS NOT NULL;
-- add --key: a retried write
CREATE UNIQUE INDEX messages_key ON messages (key, conversation) WHERE key IS NOT NULL;

-- context: system prompts and pinned messages, few among many
CREATE INDEX messages_system ON messages (conversation, seq) WHERE role IN ('system', 'developer');
CREATE INDEX messages_importance ON messages (conversation, importance, seq) WHERE importance IS NOT NULL;

-- Hashes of what a message was before a newer version, or a redaction, replaced it: an older export
-- that is imported again does not bring it back.
CREATE TABLE superseded (
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    redacted INTEGER NOT NULL DEFAULT 0, -- 1: by a redaction; no import replaces what stands there now
    PRIMARY KEY (conversation, seq, sha256),
    FOREIGN KEY (conversation, seq) REFERENCES messages (conversation, seq) ON DELETE CASCADE
) WITHOUT ROWID;
-- import: what was redacted here, under whatever name it comes again
CREATE INDEX superseded_redacted ON superseded (sha256) WHERE redacted;

-- Messages whose parent, as their source names it, is not here: what they follow is a guess until it comes.
CREATE TABLE awaited (
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    parent TEXT NOT NULL,               -- its source id
    PRIMARY KEY (conversation, seq),
    FOREIGN KEY (conversation, seq) REFERENCES messages (conversation, seq) ON DELETE CASCADE
) WITHOUT ROWID;

-- Tokens of a body, counted once per encoding.
CREATE TABLE token_counts (
    body INTEGER NOT NULL REFERENCES bodies (id) ON DELETE CASCADE,
    encoding TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (body, encoding)
) WITHOUT ROWID;

-- Tokens of an active path up to a message of it, so that a total is not counted anew.  Triggers forget it
-- when anything at or above that message changes.
CREATE TABLE token_totals (
    conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
    encoding TEXT NOT NULL,
    seq INTEGER NOT NULL,               -- the last message that is counted
    messages INTEGER NOT NULL,          -- how many there are up to it, hidden ones left out
    first_seq INTEGER,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (conversation, encoding)
) WITHOUT ROWID;

CREATE TABLE tags (
    user TEXT NOT NULL,
    tag TEXT NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
    PRIMARY KEY (user, tag, conversation)
) WITHOUT ROWID;
-- the tags of a conversation
CREATE INDEX tags_conversation ON tags (conversation);

CREATE TABLE memories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    namespace TEXT NOT NULL DEFAULT '',
    key TEXT NOT NULL,
    value TEXT NOT NULL,                -- JSON
    tags TEXT NOT NULL DEFAULT '[]',    -- JSON array
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    expires_at TEXT,
    UNIQUE (user, namespace, key)
);

-- What a range of turns came down to; superseded by later ones, never overwritten.
CREATE TABLE summaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
    user TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('rolling', 'facts', 'resume')),
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    text TEXT NOT NULL,
    tokens INTEGER,
    method TEXT NOT NULL,
    created_at TEXT NOT NULL,
    superseded_by INTEGER REFERENCES summaries (id)
);
-- context: the latest summary of a kind
CREATE INDEX summaries_conversation ON summaries (conversation, kind, to_seq);

-- The index of meanings of a user: one embedder's, with the weights it fitted on the user's words.
CREATE TABLE meanings (
    user TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,          -- of the embedder; another one's vectors cannot be compared
    dimensions INTEGER NOT NULL,
    weights BLOB,                       -- how often the user says each token, as the embedder packs it
    fitted INTEGER NOT NULL,            -- messages that the weights come from
    done INTEGER NOT NULL DEFAULT 0,    -- the last body whose meaning is in the index
    vectors INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- A vector of a piece of a body, a byte a dimension; id = body * 64 + piece.  What they are found by is one bit a
-- dimension, in the vec0 tables nearest_N, which come with the first vector of N dimensions.
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY,
    code BLOB NOT NULL
);

CREATE TABLE policies (
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,                 -- JSON
    created_at TEXT NOT NULL,
    PRIMARY KEY (user, name)
) WITHOUT ROWID;

-- Who did what to how many, never the words.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    at TEXT NOT NULL,
    action TEXT NOT NULL,
    conversations INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '{}'   -- JSON: ids, rule, target
);
-- audit: the latest first
CREATE INDEX audit_recent ON audit (user, id);

-- Work that was begun and is to be gone on with: `merge`, the index still holds words of what was removed;
-- `vectors`, the index of meanings does; `erase ID`, an erasure that is not proven complete yet; `redact`, the file
-- may still hold what was replaced.
CREATE TABLE chores (
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (user, name)
) WITHOUT ROWID;

-- Copies of this file that chatlog made: what is erased here may still be in them.
CREATE TABLE backups (
    path TEXT PRIMARY KEY,
    made_at TEXT NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;

-- What was deleted for good: it does not come back with the next import.
CREATE TABLE tombstones (
    user TEXT NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,            -- of a conversation
    message_id TEXT NOT NULL DEFAULT '', -- of one message in it; '': all of it
    deleted_at TEXT NOT NULL,
    PRIMARY KEY (user, source, source_id, message_id)
) WITHOUT ROWID;

-- The files that were read to their end: `import --auto` leaves alone what has not changed since.
CREATE TABLE sources (
    user TEXT NOT NULL,
    path TEXT NOT NULL,                 -- absolute
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    read_ns INTEGER NOT NULL,           -- when it was looked at: a file written in that very moment is not trusted
    reader TEXT NOT NULL,               -- the version of chatlog that read it; a newer one may read more of it
    format TEXT,                        -- NULL: it holds no history
    sha256 BLOB,                        -- NULL: too large to be worth it
    beside TEXT,                        -- JSON: other files its reader looked at, with size and time; null: absent
    marks TEXT,                         -- what was done with all that it held, one a line: tag:work
    stamp INTEGER NOT NULL,             -- the last audit line but for exports: what was deleted since is told anew
    told TEXT,                          -- JSON: what its import reported; NULL: it is to be read again when it is named
    PRIMARY KEY (user, path)
) WITHOUT ROWID;
"""

INDEX = """
-- What full text sees of a body.  `owner` is one token that ends in a digit, which no stemmer touches.
CREATE VIEW searchable AS SELECT id, 'u' || hex(user) || '0' AS owner, text, tool, author, extra, tool_extra
FROM bodies;
-- Marks of Thai, Indic and Arabic letters belong to their word (M*).
CREATE VIRTUAL TABLE words USING fts5 (
    owner, text, tool, author, extra, tool_extra,
    content = 'searchable', content_rowid = 'id',
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
"""

TRIGGERS = """
CREATE TRIGGER token_totals_changed AFTER UPDATE OF active, body, hidden, seq ON messages BEGIN
    DELETE FROM token_totals
    WHERE conversation IN (OLD.conversation, NEW.conversation) AND seq >= min(OLD.seq, NEW.seq);
END;
CREATE TRIGGER token_totals_deleted AFTER DELETE ON messages BEGIN
    DELETE FROM token_totals WHERE conversation = OLD.conversation AND seq >= OLD.seq;
END;
"""
