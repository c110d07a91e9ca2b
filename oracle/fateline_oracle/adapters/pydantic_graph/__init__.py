"""pydantic-graph, with the joins of its builder."""
