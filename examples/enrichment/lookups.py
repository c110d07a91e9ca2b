"""Two look-ups that need nothing from each other, so a pipeline may fork for them.

What it is: functions marked as transforms; each takes a row and gives another.

What it is not: a real rate service. The tables are small enough to read.
"""

from collections.abc import Mapping
from typing import Any

from fateline_engine.plugins import transform

IN_CHF = {"CHF": 1.0, "EUR": 0.95, "USD": 0.88, "GBP": 1.12}

CUSTOMERS = {
    "C-03": ("Moser & Sons", "gold"),
    "C-17": ("Rita Okafor", "silver"),
    "C-21": ("Bakery Lindt", "gold"),
}


@transform
def exchange(row: Mapping[str, Any], *, into: str) -> dict[str, Any]:
    """Add the amount in another currency."""
    rate = IN_CHF[row["currency"]] / IN_CHF[into]
    return {**row, into.lower(): round(row["amount"] * rate, 2)}


@transform
def match_customer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add who the customer is. A stranger is one too."""
    name, tier = CUSTOMERS.get(row["customer"], ("unknown", "new"))
    return {**row, "name": name, "tier": tier}
