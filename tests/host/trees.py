"""Trees of files as a Pi has them, to be spoiled as needed."""

from pathlib import Path

from pi_drivers.buses.pwm.real import SysfsPwm
from pi_drivers.host.diagnosis import diagnose
from pi_drivers.host.finding import Finding

PI_3 = "Raspberry Pi 3 Model B Plus Rev 1.3"
PI_4 = "Raspberry Pi 4 Model B Rev 1.4"
PI_5 = "Raspberry Pi 5 Model B Rev 1.0"
ZERO_2 = "Raspberry Pi Zero 2 W Rev 1.0"

CONFIG = "boot/firmware/config.txt"
OLD_CONFIG = "boot/config.txt"


def look(root: Path) -> list[Finding]:
    """The diagnosis of a machine with these files."""
    return diagnose(SysfsPwm(root / "sys/class/pwm", root / "proc/device-tree"), root)


class Pi:
    """A Pi with Raspberry Pi OS as it is installed: every bus is off, and the console is on the screen."""

    def __init__(self, root: Path, model: str = PI_4, os: int = 12) -> None:
        self.root = root
        self.put("proc/device-tree/model", f"{model}\0")
        self.put("proc/cmdline", "console=tty1 root=PARTUUID=1 rootwait")
        self.put("usr/bin/raspi-config")
        self.put("etc/os-release", f'PRETTY_NAME="Debian GNU/Linux {os}"\nVERSION_ID="{os}"\n')
        self.put(OLD_CONFIG if os < 12 else CONFIG, "dtparam=audio=on\n[all]\n")
        self.put("dev/gpiochip0")

    def put(self, path: str, text: str = "") -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self.root / path).unlink()

    def link(self, path: str, target: str) -> None:
        """Make a link."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def pwm_block(self, device: str) -> None:
        """Let the kernel's driver of the PWM block be there."""
        (self.root / "sys/devices" / device).mkdir(parents=True)
        (self.root / "sys/class/pwm/pwmchip0").mkdir(parents=True)
        self.link("sys/class/pwm/pwmchip0/device", str(self.root / "sys/devices" / device))

    def diagnose(self) -> list[Finding]:
        """All findings."""
        return look(self.root)

    def finding(self, what: str) -> Finding:
        """What the diagnosis says of one thing."""
        return next(finding for finding in self.diagnose() if finding.what == what)
