"""The way from an example to its machine: one that `up` runs on this computer, or any other under viam-server.

PI_ADDRESS says where it is; without it, where `up` listens by default. A machine under viam-server wants an API key as
well: VIAM_API_KEY and VIAM_API_KEY_ID.
"""

import os
import sys

from viam.robot.client import RobotClient
from viam.rpc.dial import DialOptions


async def connect() -> RobotClient:
    """The machine, to be used with `async with`, which hangs up at the end."""
    options = RobotClient.Options(dial_options=DialOptions(insecure=True, disable_webrtc=True))
    if "VIAM_API_KEY" in os.environ:
        options = RobotClient.Options.with_api_key(os.environ["VIAM_API_KEY"], os.environ["VIAM_API_KEY_ID"])
    address = os.environ.get("PI_ADDRESS", "127.0.0.1:8080")
    try:
        return await RobotClient.at_address(address, options)
    except ConnectionError:
        sys.exit(f"Nobody answers at {address}. Is the machine up? PI_ADDRESS names another one.")
