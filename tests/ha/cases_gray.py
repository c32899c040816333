"""Gray failures: what is broken lives on."""
from cases_death import goes_on_alone, promoted_instead
from registry import case
from testbed import expect, peer_of

# A disk that can stand still, and a supervisor: whole again by itself afterwards.
DISK = ("--device", "300m", "--restart")


@case("primary's disk stands still for the rest of the test", budget_ms=600, limit_ms=2000, options=DISK)
def disk_stalled(bed):
    old, load = promoted_instead(bed, lambda node: bed.lab("hang", node, "disk"))
    result = load.finish()
    expect(bed.primary() == peer_of(old), "the reign moved again")
    return result


@case("standby's disk stands still for the rest of the test", budget_ms=1000, limit_ms=3000, options=DISK)
def standby_disk_stalled(bed):
    _, load = goes_on_alone(bed, lambda node: bed.lab("hang", node, "disk"))
    return load.finish()
