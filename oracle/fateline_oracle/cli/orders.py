"""`fateline orders`: the same outcomes in every order, and only the ends compared.

Not here: the comparing (`conform/orders.py`).
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from fateline_console.terminal import say

from ..conform.campaign import every_instance
from ..conform.order_cases import order_cases
from ..conform.orders import Disorder, Orders, compare_orders
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import EngineFault
from ..report.case import write_case
from ..report.verdict import ExitCode
from .engine_options import TakesCommand, timeout_option

SHOWN = 5
"""The largest number of findings of each kind that are shown."""


@click.command(cls=TakesCommand)
@click.argument("engine", default="")
@click.option(
    "--cases",
    metavar="DIR",
    help="Write the orders of each finding to DIR, and orders between which the law lets the order decide: one JSON file each.",
)
@timeout_option
def orders(engine: str, cases: str | None) -> ExitCode:
    """Tell a join of ENGINE which branches arrive and which are lost, in every order, and compare how it ends.

    ENGINE is as for `conform`, and needs a barrier port. Whatever the order is, it must end in a way that the law allows; where
    the law has one end, all orders must end in the same way. `fateline explore --case A --case B` plays two of them.

    Exit status: 0 they do, 1 they do not, 2 nothing could be compared, 3 wrong usage.
    """
    chosen = [one for one in every_instance("small") if one.machine == "barrier"]
    try:
        with engine_of(engine) as opened:
            hello = hello_of(opened)
            found = compare_orders(opened, hello, chosen)
            again = shlex.join(["fateline", "orders", *([engine] if engine else [])])
            named = {one.name: one for one in chosen}
            written = list(order_cases(opened, hello, found, named, again)) if cases else []
    except (NoSuchEngine, NoSuchMutant) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    say("\n".join([f"{hello.name} {hello.version}", "", *_text(found)]))
    if cases is not None:
        paths = [write_case(Path(cases), one.name, one.document) for one in written]
        say(
            f"{len(paths)} cases: {Path(cases).resolve()}; play two side by side with: fateline explore --case A --case B"
        )
    if found.not_allowed or found.differ:
        return ExitCode.BREACHED
    return ExitCode.HOLDS if found.orders else ExitCode.UNDETERMINED


def _text(found: Orders) -> Iterator[str]:
    yield from _listed("ends in a way that the law does not allow", found.not_allowed)
    yield from _listed("ends differently in two orders, and the law has one end", found.differ)
    if found.left_out:
        yield f"left out: {len(found.left_out)} joins that the engine does not declare, such as {found.left_out[0]}"
    ordered = len(found.decides)
    yield (
        f"{found.orders:,} orders of {found.outcomes:,} outcomes; in {ordered:,} of these the law lets the order decide; "
        f"{len(found.not_allowed):,} end otherwise than the law, {len(found.differ):,} differ between two orders"
    )


def _listed(title: str, found: list[Disorder]) -> Iterator[str]:
    for one in found[:SHOWN]:
        yield f"{title}: {one}"
        yield ""
    if len(found) > SHOWN:
        yield f"... and {len(found) - SHOWN} more"
        yield ""
