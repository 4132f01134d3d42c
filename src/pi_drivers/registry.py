"""The table of models: one line each, loaded when a machine first asks for it.

Listing the table costs nothing, so the module is ready before any driver is imported; a model whose library is
missing is an error for those who configure it, not for everybody else.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from viam.proto.app.robot import ComponentConfig
from viam.proto.common import ResourceName
from viam.resource.base import ResourceBase
from viam.resource.registry import Registry, ResourceCreatorRegistration
from viam.resource.types import (
    API,
    RESOURCE_NAMESPACE_RDK,
    RESOURCE_TYPE_COMPONENT,
    RESOURCE_TYPE_SERVICE,
    Model,
    ModelFamily,
)

if TYPE_CHECKING:
    from pi_drivers.models.base import HardwareModel

NAMESPACE = "bramble"
FAMILY = "pi-drivers"

MODELS: Mapping[str, str] = {
    # model name: "<Viam API>.<file>:<class>" below pi_drivers.models
    "board": "board.pi_board:PiBoard",
    "dc-motor": "motor.dc_motor:DcMotor",
    "incremental-encoder": "encoder.incremental:IncrementalEncoder",
    "single-encoder": "encoder.single:SingleEncoder",
    "as5600": "encoder.as5600:As5600Encoder",
    "pca9685": "board.pca9685:Pca9685Board",
    "sabertooth": "motor.sabertooth:Sabertooth",
    "stepper": "motor.stepper:Stepper",
    "servo": "servo.pulse_servo:PulseServo",
    "sht31": "sensor.sht31:Sht31Sensor",
    "bme280": "sensor.bme280:Bme280Sensor",
    "bh1750": "sensor.bh1750:Bh1750Sensor",
    "ds18b20": "sensor.ds18b20:Ds18b20Sensor",
    "adc": "sensor.adc:AdcSensor",
    "ultrasonic": "sensor.ultrasonic:UltrasonicSensor",
    "gpio-input": "sensor.gpio_input:GpioInputSensor",
    "serial-sensor": "sensor.serial_sensor:SerialSensor",
    "iio-sensor": "sensor.iio_sensor:IioSensor",
    "pi-health": "sensor.pi_health:PiHealthSensor",
    "ina219": "power_sensor.ina219:Ina219PowerSensor",
    "mpu6050": "movement_sensor.mpu6050:Mpu6050Sensor",
    "nmea-gps": "movement_sensor.nmea_gps:NmeaGps",
    "webcam": "camera.webcam:Webcam",
    "csi-camera": "camera.csi_camera:CsiCamera",
    "discovery": "discovery.pi_discovery:PiDiscovery",
}

SERVICES = frozenset({"discovery"})
"""The Viam APIs that are services; all others are components."""


def model_of(name: str) -> Model:
    """The full Viam model, for example `bramble:pi-drivers:sht31`."""
    return Model(ModelFamily(NAMESPACE, FAMILY), name)


def api_of(name: str) -> API:
    """The Viam API of a model; its folder carries the name."""
    subtype = MODELS[name].partition(".")[0]
    kind = RESOURCE_TYPE_SERVICE if subtype in SERVICES else RESOURCE_TYPE_COMPONENT
    return API(RESOURCE_NAMESPACE_RDK, kind, subtype)


def load(name: str) -> "type[HardwareModel[Any]]":
    """Import the class of a model.

    Raises:
        KeyError: the table has no such model.
    """
    path, _, attribute = MODELS[name].partition(":")
    module = importlib.import_module(f"pi_drivers.models.{path}")
    model_class: type[HardwareModel[Any]] = getattr(module, attribute)
    return model_class


def name_of(model_class: type) -> str | None:
    """The name of a model by its class; None for a class that is not in the table."""
    path = f"{model_class.__module__.removeprefix('pi_drivers.models.')}:{model_class.__name__}"
    return next((name for name, entry in MODELS.items() if entry == path), None)


def register_all() -> None:
    """Tell the SDK's registry about every model of the table, without importing one. Idempotent."""
    known = Registry.REGISTERED_RESOURCE_CREATORS()
    for name in MODELS:
        if f"{api_of(name)}/{model_of(name)}" not in known:
            Registry.register_resource_creator(api_of(name), model_of(name), _registration(name))


def _registration(name: str) -> ResourceCreatorRegistration:
    def create(config: ComponentConfig, dependencies: Mapping[ResourceName, ResourceBase]) -> ResourceBase:
        resource: Any = load(name).new(config, dependencies)
        return cast("ResourceBase", resource)

    def validate(config: ComponentConfig) -> tuple[Sequence[str], Sequence[str]]:
        return load(name).validate_config(config)

    return ResourceCreatorRegistration(create, validate)
