"""The plugins that come with the engine, one module for each format or family.

`registry.BUILTIN` lists them by the names that pipelines use. They use the same decorators and protocols as all plugins. Not
here: any access to the inside of the engine.
"""
