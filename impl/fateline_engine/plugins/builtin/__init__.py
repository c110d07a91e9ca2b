"""The plugins that come with the engine.

What it is: a module for each format or family. ``registry.BUILTIN`` lists them by the names that pipelines use.

What it is not: a way of looking inside the engine. These plugins use the same decorators and protocols as anybody's.
"""
