"""Where a measurement's packets go: to sockets of this machine, or to a device that drops them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

OWN_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]
"""What runs a command in a network namespace of its own, for anybody where the system allows it."""

DROPPING_KINDS = ("dummy", "ifb")
"""Kinds of devices that drop what they are given to send; not every kernel has both."""


@dataclass(frozen=True)
class Network:
    """The addresses of a measurement.

    server: what a contender sends from, and the publisher sends to.
    subscribers: what the contenders send to.
    device: what drops it; empty on loopback, where the kernel delivers it to the subscribers' sockets at the sender's expense.
    """

    name: str
    server: str = "127.0.0.1"
    subscribers: str = "127.0.0.1"
    device: str = ""

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """While it lasts, subscribers can send to the server and be answered. Behind it, what they are sent leaves the machine."""
        if not self.device:
            yield
            return
        _ip("addr", "add", f"{self.subscribers}/32", "dev", "lo")
        try:
            yield
        finally:
            _ip("addr", "del", f"{self.subscribers}/32", "dev", "lo")
            _ip("route", "replace", f"{self.subscribers}/32", "dev", self.device, "src", self.server)


LOOPBACK = Network("loopback")

DEVICES = {"offload": True, "software": False}
"""Networks whose packets leave through a device, by name: whether the device cuts segmented sends, or the kernel before it."""


def make_device(name: str) -> Network:
    """A device that drops what it is given, in the network namespace of this process, which `OWN_NETWORK` made.

    Raises:
        OSError: the program `ip` is missing, or the kernel has no such device; the message says which.
    """
    network = Network(name, server="10.9.0.1", subscribers="10.9.0.2", device="drop0")
    _ip("link", "set", "lo", "up")
    _ip("addr", "add", f"{network.server}/32", "dev", "lo")
    _add_device(network.device)
    if not DEVICES[name]:
        # One segment is less than any segmented send has, so the kernel cuts them all, as for a card that cannot.
        _ip("link", "set", "dev", network.device, "gso_max_segs", "1")
    _ip("link", "set", network.device, "up")
    return network


def _add_device(name: str) -> None:
    *others, last = DROPPING_KINDS
    for kind in others:
        try:
            return _ip("link", "add", name, "type", kind)
        except OSError:
            continue
    return _ip("link", "add", name, "type", last)


def _ip(*arguments: str) -> None:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
