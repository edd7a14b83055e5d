"""What each reader keeps of a source and each writer of a conversation: the one table behind docs/formats.md.

Nothing runs by it; the tests hold it against what really comes of a conversion, so that it cannot drift.
"""

from __future__ import annotations

from typing import NamedTuple

#: What a history may hold, and what the guide calls it.
FEATURES = {
    "titles": "titles",
    "times": "times",
    "models": "models",
    "authors": "authors",
    "projects": "folders",
    "tags": "tags",
    "system": "system prompts",
    "tools": "tool use",
    "reasoning": "reasoning",
    "attachments": "attachments",
    "branches": "branches",
    "hidden": "hidden messages",
    "usage": "token usage",
}


class Reading(NamedTuple):
    """A format that is read: whose it is, how to come by a file of it, and the features kept of it."""

    product: str
    found: str
    keeps: str


class Writing(NamedTuple):
    """A format that is written: what it is for, the features it holds, and what importing it again gives."""

    purpose: str
    holds: str
    again: str
    lost: str


_ALL = " ".join(FEATURES)
_LOCAL = "on this computer"

READINGS = {
    "chatlog": Reading("chatlog, and lines of your own", "`chatlog export --to jsonl` or `--to json`", _ALL),
    "chatgpt": Reading(
        "ChatGPT",
        "Settings → Data controls → Export data",
        "titles times models authors projects system tools reasoning attachments branches hidden",
    ),
    "claude_ai": Reading(
        "Claude.ai",
        "Settings → Privacy → Export data",
        "titles times models projects tools reasoning attachments branches",
    ),
    "ms_copilot": Reading(
        "Microsoft Copilot",
        "account.microsoft.com/privacy → Copilot → Export all activity history",
        "titles times authors",
    ),
    "chat_exporter": Reading(
        "ChatGPT Exporter, Claude Exporter, Gemini Exporter (browser extensions and userscript)",
        "the exporter's JSON or Markdown",
        "titles times authors reasoning",
    ),
    "claude_code": Reading(
        "Claude Code",
        _LOCAL,
        "titles times models projects tags tools reasoning attachments branches hidden usage",
    ),
    "codex": Reading(
        "Codex",
        _LOCAL,
        "titles times models authors projects system tools reasoning attachments branches hidden usage",
    ),
    "gemini_cli": Reading(
        "Gemini CLI",
        _LOCAL,
        "titles times models projects tools reasoning attachments branches hidden usage",
    ),
    "gemini_takeout": Reading(
        "Gemini", "takeout.google.com: My Activity, Gemini Apps, JSON or HTML", "times attachments hidden"
    ),
    "google_aistudio": Reading(
        "Google AI Studio",
        "Google Drive: the folder Google AI Studio",
        "titles times models system tools reasoning attachments hidden usage",
    ),
    "copilot": Reading(
        "GitHub Copilot (CLI and VS Code)",
        _LOCAL,
        "titles times models authors projects system tools reasoning attachments branches hidden usage",
    ),
    "cursor": Reading("Cursor", _LOCAL, "titles times models projects tools reasoning attachments hidden usage"),
    "cline": Reading(
        "Cline, Roo Code, Kilo Code",
        _LOCAL,
        "titles times models projects system tools reasoning attachments hidden usage",
    ),
    "entire": Reading(
        "Entire (`transcript.jsonl`)", "the branch `entire/checkpoints/v1`", "times tools attachments hidden usage"
    ),
    "opencode": Reading(
        "opencode", _LOCAL, "titles times models projects system tools reasoning attachments hidden usage"
    ),
    "goose": Reading("Goose", _LOCAL, "titles times models projects tools reasoning attachments hidden usage"),
    "hermes": Reading(
        "Hermes Agent",
        _LOCAL,
        "titles times models projects system tools reasoning attachments branches hidden usage",
    ),
    "qwen_code": Reading(
        "Qwen Code", _LOCAL, "titles times models authors projects tools reasoning branches hidden usage"
    ),
    "pi_agent": Reading(
        "pi, oh-my-pi, OpenClaw",
        _LOCAL,
        "titles times models authors projects system tools reasoning attachments branches hidden usage",
    ),
    "antigravity": Reading("Google Antigravity", _LOCAL, "times models projects tools reasoning hidden"),
    "dsh": Reading(
        "DeepSeek Harness",
        _LOCAL,
        "titles times models projects system tools reasoning attachments hidden usage",
    ),
    "openhands": Reading(
        "OpenHands",
        _LOCAL,
        "titles times models projects system tools reasoning attachments hidden usage",
    ),
    "codebuddy": Reading(
        "CodeBuddy, WorkBuddy",
        _LOCAL,
        "titles times models projects tools reasoning branches hidden usage",
    ),
    "continue_dev": Reading(
        "Continue",
        _LOCAL,
        "titles times models projects system tools reasoning attachments hidden usage",
    ),
    "droid": Reading("Factory droid", _LOCAL, "titles times models projects tools reasoning branches hidden usage"),
    "kimi_code": Reading(
        "Kimi Code",
        _LOCAL,
        "titles times models projects system tools reasoning attachments branches hidden usage",
    ),
    "sillytavern": Reading(
        "SillyTavern, TavernAI",
        "`data/<user>/chats` and `group chats`, or Export chat as JSONL",
        "titles times models authors tools reasoning attachments branches hidden usage",
    ),
    "text_generation_webui": Reading(
        "text-generation-webui",
        "`user_data/logs`, or Save history as JSON",
        "titles times models tools reasoning attachments branches",
    ),
    "lm_studio": Reading(
        "LM Studio",
        _LOCAL,
        "titles times models projects system tools reasoning attachments branches hidden usage",
    ),
    "jan": Reading("Jan", _LOCAL, "titles times models projects system tools reasoning attachments branches usage"),
    "aider": Reading("aider", _LOCAL, "titles times models authors projects reasoning branches hidden usage"),
    "swe_agent": Reading(
        "SWE-agent", _LOCAL, "titles times models authors system tools reasoning branches hidden usage"
    ),
    "simonw_llm": Reading(
        "llm (`logs.db`)", _LOCAL, "titles times models system tools reasoning attachments branches usage"
    ),
    "openwebui": Reading(
        "Open WebUI",
        "Settings → Data controls → Export chats, or `webui.db`",
        "titles times models tags system tools reasoning attachments branches usage",
    ),
    "librechat": Reading(
        "LibreChat",
        "Share → Export conversation as JSON",
        "titles times models authors tools reasoning attachments branches usage",
    ),
    "chatbotui": Reading(
        "Chatbot UI", "Export data in its side bar", "titles models projects system attachments branches"
    ),
    "nextchat": Reading(
        "NextChat (ChatGPT-Next-Web)",
        "Settings → Local data → Export",
        "titles times models system tools reasoning attachments hidden",
    ),
    "chatbox": Reading(
        "Chatbox",
        "Settings → General → Data backup, or on this computer",
        "titles times models authors system tools reasoning attachments branches hidden usage",
    ),
    "lobechat": Reading(
        "LobeChat",
        "Settings → Data storage → Export",
        "titles times models projects system tools reasoning attachments branches usage",
    ),
    "cherry_studio": Reading(
        "Cherry Studio",
        "Settings → Data → Backup, of version 5 or before",
        "titles times models projects system tools reasoning attachments branches usage",
    ),
    "grok": Reading(
        "Grok", "accounts.x.ai: Download account data", "titles times models tools reasoning attachments branches"
    ),
    "grok_x": Reading(
        "Grok on X",
        "`data/grok-chat-item.js` of X's archive: Settings → Your account → Download an archive of your data",
        "times attachments",
    ),
    "grok_cli": Reading(
        "Grok Build (`grok`)",
        _LOCAL,
        "titles times models projects system tools reasoning attachments hidden usage",
    ),
    "deepseek": Reading(
        "DeepSeek", "Settings → Data → Export data", "titles times models reasoning attachments branches usage"
    ),
    "langchain": Reading(
        "LangChain, LangGraph",
        "the application's `message_store` or `checkpoints` table, file or state",
        "times models authors system tools reasoning attachments branches usage",
    ),
    "openai_messages": Reading(
        "OpenAI and Anthropic messages, plain `role` and `content`",
        "request logs, training and preference data, instructions (Alpaca) and `Human:`/`Assistant:` texts",
        "titles times models authors projects system tools reasoning attachments branches usage",
    ),
    "sharegpt": Reading(
        "ShareGPT",
        "data sets",
        "titles times models authors system tools reasoning attachments branches",
    ),
    "oasst": Reading("Open Assistant", "its published trees and messages", "times models branches hidden"),
}

WRITINGS = {
    "jsonl": Writing("backup and moving", _ALL, "the same bytes", "nothing"),
    "json": Writing("programs that want one document", _ALL, "the same bytes", "nothing"),
    "html": Writing(
        "reading, sharing, printing; a folder is a site with search",
        "titles times models authors projects tags system tools reasoning attachments branches",
        "",
        "hidden messages, bytes of attachments that are no picture, metadata",
    ),
    "markdown": Writing(
        "notes (Obsidian), documents",
        "titles times models authors projects tags system tools reasoning attachments",
        "",
        "branches, hidden messages, bytes of attachments, metadata",
    ),
    "csv": Writing(
        "spreadsheets, data frames",
        _ALL,
        "",
        "state, pins and other facts of a conversation; a cell that would be a formula has `'` before it",
    ),
    "openai": Writing(
        "requests to OpenAI's API",
        "authors system tools attachments",
        "the same messages",
        "all but the active path as a request has it, reasoning; what is no picture or sound of a person's is named",
    ),
    "openai-finetune": Writing(
        "OpenAI's fine-tuning",
        "authors system tools attachments",
        "the same messages",
        "as openai, and what follows the last answer; importance `discard` becomes weight 0, tools are described by"
        " their calls",
    ),
    "anthropic": Writing(
        "requests to Anthropic's API",
        "system tools attachments",
        "the same messages",
        "as openai; reasoning stays where it is signed, names of authors are gone",
    ),
    "sharegpt": Writing(
        "training data for most open tools",
        "titles times models system tools",
        "the same turns",
        "all but the active path's words and tool use up to its last answer, turn about; pictures become their names",
    ),
}
