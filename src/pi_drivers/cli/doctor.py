"""`doctor`: what this machine lacks, what is connected to it, and a machine config for that.

It changes nothing and starts no program. What it says goes to stdout; with `--json` the machine config alone does, and
the rest to stderr, so that `doctor --json > machine.json` leaves something that `up` runs.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence

from pi_drivers import host as hosts
from pi_drivers.cli import doctor_view as view
from pi_drivers.cli.doctor_machine import Proposal, propose
from pi_drivers.cli.json_text import pretty
from pi_drivers.cli.voice import hand_over, say, warn
from pi_drivers.errors import DriverError
from pi_drivers.host.contract import Host
from pi_drivers.host.finding import Finding, Level
from pi_drivers.models.discovery.inventory import KINDS, Inventory, inventory

LIMIT_S = 60.0
"""For the whole look. Each bus has a limit of its own, so this is for what nobody foresaw."""

PICAMERA = "picamera2"
"""The finding that must be in order for CSI cameras to be looked at. Where it is not, it has told so."""


def run_doctor(backend: str | None, *, scan: bool, as_json: bool) -> int:
    """Look and report.

    Args:
        backend: `real` or `mock`; None for the usual one.
        scan: look also at what is connected, which puts questions on the buses.
        as_json: the machine config to stdout, and the rest to stderr.

    Returns:
        1 if something has to be mended, else 0; with `as_json` 0 once the machine config is written.

    Raises:
        ConfigError: no such back end.
    """
    host = hosts.get(backend)
    tell = warn if as_json else say
    findings = host.diagnose()
    _put(tell, view.findings(findings), to_stderr=as_json)
    if scan:
        found = asyncio.run(_look(host, _kinds(host, findings)))
        proposal = propose(found)
        _put(tell, view.connected(found), to_stderr=as_json)
        _put(tell, view.troubles([*found.troubles, *proposal.left_out]), to_stderr=as_json)
        _put_machine(proposal, as_json=as_json)
    broken = [finding for finding in findings if finding.level is Level.BROKEN]
    _put(tell, view.summary(len(broken)), to_stderr=as_json)
    return 1 if broken and not as_json else 0


def _kinds(host: Host, findings: Sequence[Finding]) -> list[str]:
    """What there is to look at: nobody wants to hear of a bus again that is off, or of one that no PC has."""
    fine = {finding.what for finding in findings if finding.level is Level.OK}
    is_there = {
        "i2c": bool(host.outlets.i2c_buses()),
        "1-wire": host.outlets.has_onewire(),
        "csi-camera": host.name == "mock" or PICAMERA in fine,
    }
    return [kind for kind in KINDS if is_there.get(kind, True)]


async def _look(host: Host, kinds: Collection[str]) -> Inventory:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await inventory(host, kinds)
    except TimeoutError:
        return Inventory([], [f"what is connected could not be found out within {LIMIT_S:.0f} s"])
    except DriverError as error:
        return Inventory([], [error.message])


def _put_machine(proposal: Proposal, *, as_json: bool) -> None:
    if as_json:
        hand_over(pretty(proposal.machine), "the machine config")
    elif proposal.machine["components"]:
        _put(say, view.whole(proposal.machine), to_stderr=False)


def _put(tell: Callable[[str], None], page: view.Page, *, to_stderr: bool) -> None:
    text = view.rendered(page, to_stderr=to_stderr)
    if text:
        tell(text)
