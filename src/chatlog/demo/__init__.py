"""A small history of our own in three import formats, for `chatlog demo` and for trying things out."""
