"""What a Sabertooth motor driver is told: packets of four bytes that go one way, without an answer.

Dimension Engineering, "Sabertooth 2x12 User's Guide", April 2012, section "Packetized Serial Mode": "Packet Overview",
"Commands", "Setting Commands" (pages 15 to 19). All Sabertooths speak it, in two generations. The older one (2x5, 2x10,
the first 2x25) measures its speed on a bauding character and knows the commands 0 to 13; the newer one (2x12, 2x25 V2,
2x32, 2x60) keeps a speed of its own, 9600 from the factory, and knows the serial timeout as well.
"""

BAUDING = b"\xaa"
"""Told first: an older driver takes no command before it, and has its speed from it until it is switched off
("Sabertooth 2x5 User's Guide", section "Mode 4: Packetized Serial", "Baud Rate Selection"). To a newer one it is
nobody's address."""

ADDRESSES = (128, 135)
"""The first and the last, chosen by DIP switches 4 to 6. Only the first byte of a packet is above 127."""

FULL_POWER = 127

FORWARD = {1: 0, 2: 4}
BACKWARD = {1: 1, 2: 5}
"""The commands by channel; their data is the power, 0 to 127."""

SERIAL_TIMEOUT = 14
"""Motors stop when no command came for so many times 100 ms; 0 is never, as it is at every power-on."""
TIMEOUT_UNIT_MS = 100

# Two commands are never sent, for the driver keeps what they set for good and in every mode: 15, its speed, and 16, its
# ramp. What ramps here is the power in the packets.


def packet(address: int, command: int, data: int) -> bytes:
    """One packet with its checksum: the sum of the others without its highest bit."""
    return bytes([address, command, data, (address + command + data) & 0x7F])


def power_packet(address: int, channel: int, power: int) -> bytes:
    """A motor at a power of -127 to 127."""
    commands = FORWARD if power >= 0 else BACKWARD
    return packet(address, commands[channel], abs(power))


def stop_packets(address: int, channel: int) -> bytes:
    """A motor without power, told by both of its commands: nobody answers, and either one may be lost to noise."""
    return packet(address, FORWARD[channel], 0) + packet(address, BACKWARD[channel], 0)


def timeout_packet(address: int, timeout_ms: int) -> bytes:
    """The serial timeout; of an older driver ignored."""
    return packet(address, SERIAL_TIMEOUT, timeout_ms // TIMEOUT_UNIT_MS)
