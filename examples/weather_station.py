"""Prints the weather three times, a line each; a sensor that fails says why, in the place of its readings."""

import asyncio

from connect import connect
from grpclib import GRPCError
from viam.components.sensor import Sensor

WANTED = {
    "air": (("temperature_c", 1, "°C"), ("relative_humidity_pct", 1, "%"), ("pressure_hpa", 1, "hPa")),
    "light": (("lux", 1, "lx"),),
    "ground": (("temperature_c", 1, "°C in the ground"),),
    "rain": (("count", 0.2794, "mm of rain"),),  # a tip of the gauge's bucket is 0.2794 mm
    "wind": (("rate_hz", 2.4, "km/h of wind"),),  # a pulse a second of the anemometer is 2.4 km/h
}


async def main() -> None:
    async with await connect() as robot:
        for _ in range(3):
            texts, ages_ms = [], []
            for name, values in WANTED.items():
                sensor = Sensor.from_robot(robot, name)
                try:
                    readings = await sensor.get_readings()
                except GRPCError as error:
                    texts.append(error.message)
                    continue
                texts += [f"{readings[key] * factor:.1f} {unit}" for key, factor, unit in values]
                ages_ms.append((await sensor.get_status()).get("sample_age_ms", 0))
            print(f"{', '.join(texts)}; the oldest {max(ages_ms, default=0) / 1000:.1f} s old", flush=True)
            await asyncio.sleep(1)


asyncio.run(main())
