"""Who lives in this process: the way from one of our resources to a sibling without gRPC.

viam-server hands even a sibling over as a gRPC client, which costs two hops for each call. Drivers look here first
and take the client only for what lives elsewhere.
"""

from typing import Any

from viam.proto.common import ResourceName

Key = tuple[str, str]


def key_of(name: ResourceName) -> Key:
    """A resource's key: its API's subtype and its own name, for example `("motor", "left")`."""
    return (name.subtype, name.name)


class Directory:
    """Open resources by key. Used on the event loop only."""

    def __init__(self) -> None:
        self._resources: dict[Key, Any] = {}

    def enter(self, key: Key, resource: object) -> None:
        """Make a resource findable; the newest of a name wins."""
        self._resources[key] = resource

    def leave(self, key: Key, resource: object) -> None:
        """Take a resource out, unless a newer one of that name has taken its place."""
        if self._resources.get(key) is resource:
            del self._resources[key]

    def find(self, key: Key) -> Any | None:
        """The open resource of that key in this process, or None."""
        return self._resources.get(key)

    def all(self) -> list[Any]:
        """All open resources."""
        return list(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)


DIRECTORY = Directory()
"""The directory of this process."""
