"""What the command lines of the engine and the judge share: terminal text, and commands that are imported when they run.

It knows nothing of laws, engines or trails, and imports nothing of ours.
"""
