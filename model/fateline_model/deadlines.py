"""When a deadline falls due, and which of several comes first: what law C11 means, as three kernels.

No machine calls these, because time is not part of the machines' state: a deadline reaches them as a stimulus. They are
the definition that law C11 is checked against (`checker/domains.py`), in milliseconds, with contracts that CrossHair
confirms for every integer.
"""


def deadline_of(first_at: int, timeout: int) -> int:
    """When a barrier's or a batch's time is up, in milliseconds: counted from its first event.

    pre: timeout > 0
    post: __return__ > first_at
    post: __return__ - first_at == timeout
    """
    return first_at + timeout


def expired(now: int, first_at: int, timeout: int) -> bool:
    """Whether an engine that looks at the clock now must resolve it. At the deadline itself, it must.

    pre: timeout > 0 and now >= first_at
    post: __return__ == (now - first_at >= timeout)
    """
    return now >= deadline_of(first_at, timeout)


def resolved_before(deadline: int, order: int, other_deadline: int, other_order: int) -> bool:
    """Of two expired holds, whether the first is resolved before the second: by deadline, then in flush order.

    pre: deadline != other_deadline or order != other_order
    post: deadline == other_deadline or __return__ == (deadline < other_deadline)
    post: deadline != other_deadline or __return__ == (order < other_order)
    """
    return (deadline, order) < (other_deadline, other_order)
