"""Shared by the command lines of the engine and the judge: terminal text, and commands that are imported when they run.

It knows nothing of laws, engines or trails, and imports none of our other packages.
"""
