"""Which component comes first: what another one needs is opened before it, and closed after it."""

from collections.abc import Mapping, Sequence

from pi_drivers.cli.machine import Component

Needs = Mapping[Component, Sequence[Component]]
"""For each component those it depends on."""


def opening_order(needs: Needs) -> list[Component]:
    """Every component after those it needs, else in the file's order. Components of a cycle come last."""
    waiting = sorted(needs, key=lambda one: one.order)
    order: list[Component] = []
    while waiting:
        ready = next((one for one in waiting if not set(needs[one]) & set(waiting) - {one}), waiting[0])
        waiting.remove(ready)
        order.append(ready)
    return order


def cycles(needs: Needs) -> list[list[Component]]:
    """Circles of components that wait for each other, each one once, as a path back to its start."""
    found: list[list[Component]] = []
    done: set[Component] = set()
    for start in sorted(needs, key=lambda one: one.order):
        _walk(start, [], needs, done, found)
    return found


def _walk(
    one: Component, path: list[Component], needs: Needs, done: set[Component], found: list[list[Component]]
) -> None:
    if one in path:
        found.append([*path[path.index(one) :], one])
    elif one not in done:
        for other in needs.get(one, ()):
            _walk(other, [*path, one], needs, done, found)
        done.add(one)
