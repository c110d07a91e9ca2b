"""`fateline graph`: checks a pipeline and draws it.

What will run is shown as Mermaid text, as an SVG file, or as data with the debts of each node. Not here: a run. No plugin is
looked up and no data is touched.
"""

import json
from pathlib import Path

import click

from fateline_console.terminal import paint, say
from fateline_engine.cli import hint_to_explore
from fateline_engine.cli.exit_code import ExitCode
from fateline_engine.drawing import mermaid, svg
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import SettingsError, config_of, load_pipeline

SCHEMA = "fateline.graph/1"


@click.command()
@click.argument("pipeline", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--svg", "form", flag_value="svg", help="Draw an SVG file.")
@click.option("--mermaid", "form", flag_value="mermaid", default="mermaid", help="Write Mermaid text (the default).")
@click.option("--json", "form", flag_value="json", help="Write nodes, edges and debts as one JSON object.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def graph(pipeline: Path, form: str, output: Path | None) -> ExitCode:
    """Check PIPELINE, a YAML file, and draw it."""
    try:
        drawn = ExecutionGraph.build(load_pipeline(pipeline))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    for warning in drawn.warnings:
        say(paint(f"warning: {warning}", "yellow"), err=True)
    text = {"svg": svg, "mermaid": mermaid, "json": _data}[form](drawn)
    if output is None:
        click.echo(text, nl=False)
        if form == "mermaid":
            hint_to_explore(str(pipeline))
        return ExitCode.DONE
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror or error}") from error
    return ExitCode.DONE


def _data(drawn: ExecutionGraph) -> str:
    nodes = [
        {
            "node": name,
            "kind": drawn.node(name).kind,
            "config": config_of(drawn.node(name)),
            "owes": [str(frame) for frame in drawn.stack(name)],
        }
        for name in drawn.nodes
    ]
    edges = [{"src": edge.src, "label": edge.label, "dst": edge.dst} for edge in drawn.edges]
    whole = {"schema": SCHEMA, "pipeline": drawn.pipeline.name, "digest": drawn.pipeline.digest()}
    warnings = [str(warning) for warning in drawn.warnings]
    return json.dumps(whole | {"nodes": nodes, "edges": edges, "warnings": warnings}, indent=2) + "\n"
