"""The results that every command ends in: verdicts and exit codes, saved cases, JUnit XML.

Not here: any engine, and anything that steps the law. Every other package may import this one.
"""
