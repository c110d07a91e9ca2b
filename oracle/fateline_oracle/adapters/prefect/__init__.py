"""Prefect, with the database of its server in SQLite."""
