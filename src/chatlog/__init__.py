"""The conversation manager for AI chats."""
