"""DBOS Transact for Python, on SQLite."""
