"""LangGraph, with its checkpoints in SQLite."""
