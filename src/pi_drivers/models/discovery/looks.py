"""The looks at everything but I2C: what the kernel lists is connected; nothing is opened that anybody uses."""

import re
from collections.abc import Sequence

from pi_drivers import registry
from pi_drivers.buses.iio.contract import KernelSensor
from pi_drivers.buses.onewire.contract import THERMOMETERS
from pi_drivers.buses.pwm.contract import BCM_CHANNELS
from pi_drivers.buses.spi.ranges import place_of as spi_place
from pi_drivers.buses.video.contract import BY_ID, BY_PATH, VideoSource
from pi_drivers.host import header
from pi_drivers.host.contract import Host
from pi_drivers.host.outlets import SerialOutlet
from pi_drivers.models.discovery.connected import Connected, Entry, Look
from pi_drivers.models.discovery.looking import held, on_thread, own_entry, own_resources, suggested
from pi_drivers.models.i2c_chip import place_from_kernel
from pi_drivers.models.i2c_chip import place_of as i2c_place
from pi_drivers.models.sensor.iio_sensor import matching

PI_S_OWN = frozenset({"cpu_thermal", "rpi_volt", "rp1_adc", "pwmfan", "gpu_thermal"})
"""What a Raspberry Pi's kernel has for the Pi itself; `pi-health` tells of it."""
LONGEST_NAME = 40
"""Of a resource that is named after a device, in letters: viam-server takes 60, and a number may come behind."""
RECEIVERS = re.compile(r"u-?blox|gps|gnss", re.IGNORECASE)
"""How satellite receivers call themselves on USB."""


async def look_at_machine(host: Host) -> Look:
    """The board and the health of a Pi."""
    machine = (await on_thread(host, "the machine", lambda: host.vitals("/"))).machine or ""
    if "Raspberry Pi" not in machine:
        return Look([], [])
    suggestions = [suggested(host, name, model) for name, model in (("pi", "board"), ("pi-health", "pi-health"))]
    own = {entry["model"]: entry for entry in map(own_entry, own_resources())}
    entries = [own.get(entry["model"], entry) for entry in suggestions]
    whats = ("the pins of its header", "its temperature, its supply and its load")
    return Look([Connected(machine, what, (entry,)) for what, entry in zip(whats, entries, strict=True)], [])


async def look_at_spi(host: Host) -> Look:
    """The chip selects. What is wired to one cannot be told: no chip says that it is there."""
    found = []
    for bus, chip_select in await on_thread(host, "SPI", host.outlets.spi_chip_selects):
        place = spi_place(bus, chip_select)
        holder = host.claims.holder_of(place)
        free = Connected(place, "a chip select; whether a chip is on it, and which, cannot be told")
        found.append(free if holder is None else held(place, holder))
    return Look(found, [])


async def look_at_onewire(host: Host) -> Look:
    """The sensors that the kernel has found. Raises: BusAbsentError: there is no bus."""

    def scan() -> list[str]:
        bus = host.open_onewire()
        try:
            return bus.scan()
        finally:
            bus.close()

    return Look([_onewire_sensor(host, one) for one in await on_thread(host, "1-Wire", scan)], [])


def _onewire_sensor(host: Host, sensor_id: str) -> Connected:
    place = f"1-Wire {sensor_id}"
    holder = host.claims.holder_of(f"1-wire {sensor_id}")
    if holder is not None:
        return held(place, holder)
    family = sensor_id.partition("-")[0]
    if family not in THERMOMETERS:
        return Connected(place, f"a chip of family {family}, which is no thermometer")
    entry = suggested(host, f"ds18b20-{sensor_id[-4:]}", "ds18b20", sensor_id=sensor_id)
    return Connected(place, "a thermometer", (entry,))


async def look_at_serial(host: Host) -> Look:
    """The serial ports. What is at the other end of one cannot be told, but where it says so by its name on USB."""
    outlets = await on_thread(host, "serial ports", host.outlets.serial_ports)
    return Look([_serial_port(host, one) for one in outlets], [])


def _serial_port(host: Host, outlet: SerialOutlet) -> Connected:
    holder = host.serial_holder(outlet.path)
    if holder is not None:
        return held(outlet.path, holder)
    sensor = suggested(host, "serial-sensor", "serial-sensor", serial_path=outlet.path)
    if not RECEIVERS.search(outlet.what):
        return Connected(outlet.path, f"a serial port: {outlet.what}", (sensor,))
    gps = suggested(host, "gps", "nmea-gps", serial_path=outlet.path)
    return Connected(outlet.path, f"probably a satellite receiver: {outlet.what}", (gps, sensor))


async def look_at_usb_cameras(host: Host) -> Look:
    """The cameras that V4L2 shows, also those in use."""
    sources = await on_thread(host, "cameras", host.cameras.sources)
    found = [_usb_camera(host, one) for one in sources if not one.unfit]
    return Look(found, [f"{one.path}: {one.unfit}" for one in sources if one.forbidden])


def _usb_camera(host: Host, source: VideoSource) -> Connected:
    holder = host.claims.holder_of(source.path)
    if holder is not None:
        return held(source.path, holder)
    entry = suggested(host, "webcam", "webcam", video_path=_lasting_path(source))
    return Connected(source.path, source.label, (entry,))


def _lasting_path(source: VideoSource) -> str:
    if not source.names:
        return source.path
    name = source.names[0]
    return f"{BY_ID if name.startswith('usb-') else BY_PATH}{name}"


async def look_at_csi_cameras(host: Host) -> Look:
    """The cameras that libcamera shows. Raises: MissingLibraryError: there is no libcamera."""
    sources = await on_thread(host, "CSI cameras", host.csi_cameras.sources)
    return Look([_csi_camera(host, one) for one in sources if not one.unfit], [])


def _csi_camera(host: Host, source: VideoSource) -> Connected:
    holder = host.claims.holder_of(source.path)
    if holder is not None:
        return held(source.path, holder)
    number = int(source.path.rpartition(" ")[2])
    return Connected(source.path, source.label, (suggested(host, "csi-camera", "csi-camera", camera_num=number),))


async def look_at_kernel_sensors(host: Host) -> Look:
    """The sensors that have a driver in the kernel, but for those of the Pi itself."""
    devices = await on_thread(host, "kernel sensors", host.kernel_sensors.devices)
    wanted = [one for one in devices if one.place and one.name not in PI_S_OWN and not _is_shown_better(one, devices)]
    return Look([_kernel_sensor(host, one) for one in wanted], [])


def _is_shown_better(device: KernelSensor, devices: Sequence[KernelSensor]) -> bool:
    """Whether the same chip is among the sensors, and this is what the driver shows for computers."""
    return device.is_hwmon and any(one.place == device.place and not one.is_hwmon for one in devices)


def _kernel_sensor(host: Host, device: KernelSensor) -> Connected:
    at = place_from_kernel(device.place)
    place = f"kernel sensor {device}" if at is None else i2c_place(*at)
    own = tuple(entry for entry in map(own_entry, own_resources()) if _means(entry, device))
    if own:
        return Connected(place, f"the kernel's sensor {device.name}, in use", own)
    name = re.sub(r"[^A-Za-z0-9]+", "-", device.name).strip("-")[:LONGEST_NAME] or "sensor"
    entry = suggested(host, name, "iio-sensor", device=device.name, place=device.place)
    return Connected(place, f"the kernel's sensor {device.name}", (entry,))


def _means(entry: Entry, device: KernelSensor) -> bool:
    """Whether a resource of this process reads this device."""
    attributes = entry["attributes"]
    is_reader = entry["model"] == str(registry.model_of("iio-sensor"))
    return is_reader and bool(matching([device], attributes["device"], attributes.get("place")))


async def look_at_pwm(host: Host) -> Look:
    """The pins that are connected to the PWM block and free."""
    pins = await on_thread(host, "PWM", lambda: [pin for pin in BCM_CHANNELS if host.pwm.available(pin)])
    free = [pin for pin in pins if host.claims.holder_of(header.describe(pin)) is None]
    found = []
    for pin in free:
        servo = suggested(host, f"servo-gpio{pin}", "servo", pin=f"GPIO{pin}")
        found.append(Connected(header.describe(pin), "hardware PWM, for a servo for example", (servo,)))
    return Look(found, [])
