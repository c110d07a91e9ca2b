"""redun, with its backend in SQLite."""
