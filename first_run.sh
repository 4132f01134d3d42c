#!/bin/sh
# Looks once per version at what the drivers will need of this machine, and says for each thing that is missing what
# mends it. It changes nothing and always succeeds: a failure here would keep the whole machine from being configured.

say() {
    printf 'pi-drivers: %s\n' "$*"
}

check_python() {
    for candidate in "${PI_DRIVERS_PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            say "Python: $("$candidate" --version)"
            if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
                say "Python: its venv part is missing. Mend: sudo apt install python3-venv"
            fi
            return
        fi
    done
    say "Python: no 3.11, 3.12 or 3.13 found. Mend: sudo apt install python3 python3-venv"
}

check_groups() {
    if [ "$(id -u)" = 0 ]; then
        say "groups: this is root, which may open every device"
        return
    fi
    for group in gpio i2c spi dialout video; do
        if id -nG | tr ' ' '\n' | grep -qx "$group"; then
            say "group $group: yes"
        else
            say "group $group: no. Mend: sudo usermod -aG $group $(id -un), then log in anew"
        fi
    done
}

check_devices() {
    what=$1
    mend=$2
    shift 2
    found=
    for device in "$@"; do
        if [ -e "$device" ]; then
            found="$found $device"
        fi
    done
    if [ -n "$found" ]; then
        say "$what:$found"
    else
        say "$what: none. Mend: $mend"
    fi
}

check_lgpio() {
    if python3 -c 'import lgpio' 2>/dev/null; then
        say "lgpio: yes"
    else
        say "lgpio: not among the system's packages. Mend, for real pins: sudo apt install python3-lgpio"
    fi
}

if [ -r /proc/device-tree/model ]; then
    say "machine: $(tr -d '\000' </proc/device-tree/model)"
else
    say "machine: no Raspberry Pi; the mock works, real pins do not"
fi
check_python
check_groups
check_devices "GPIO" "this needs a Raspberry Pi" /dev/gpiochip*
check_devices "I2C" "sudo raspi-config nonint do_i2c 0" /dev/i2c-*
check_devices "SPI" "sudo raspi-config nonint do_spi 0" /dev/spidev*
check_lgpio
exit 0
