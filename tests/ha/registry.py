"""The list of failover tests. A test is a function of (bed) that returns the load's result."""
from collections import namedtuple

Case = namedtuple("Case", "name what budget_ms limit_ms options run apart tls")
CASES = []


def case(what, budget_ms=None, limit_ms=None, options=(), apart=False, tls=False):
    """Registers a test. `what` goes into the report; budget_ms is the failure table's figure for the
    longest gap between acknowledgements, limit_ms what the test insists on (shared machines stall);
    options of `lab up`, or a function that makes them; apart: run only when it is named; tls: the port
    takes no plain clients."""
    def register(function):
        CASES.append(Case(function.__name__.replace("_", "-"), what, budget_ms, limit_ms,
                          options, function, apart, tls))
        return function
    return register
