"""Engines of others."""
