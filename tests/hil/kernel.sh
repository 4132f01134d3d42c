#!/bin/sh
# Builds the simulated kernel: Linux as an ordinary program (User Mode Linux) with simulated devices in it, on which the
# real back ends run where there is no Raspberry Pi. Prints the path of the program; what it does it says on the way.
#
# It is built once, from the kernel source that the distribution offers, and kept in ~/.cache/pi-drivers/kernel, under
# the version of that source and a checksum of what this folder makes of it. To build from a newer source, remove it.
# Nothing of the system is changed: what is missing of flex, bison, m4 and bc is unpacked beside the kernel.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/pi-drivers/kernel
key=$(cat "$here/kernel.sh" "$here/kernel.config" "$here"/drivers/* | cksum | cut -d' ' -f1)

say() {
    printf 'simulated kernel: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing; Debian has it in the package $2: sudo apt-get install $2"
}

finished() {
    find "$cache" -mindepth 2 -maxdepth 2 -path "*-$key/linux" 2>/dev/null | sort -V | tail -n 1
}

if [ -n "$(finished)" ]; then
    finished
    exit 0
fi

[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] ||
    fail "User Mode Linux runs on x86_64 only, and this is $(uname -m); on a Raspberry Pi use tests/run.sh --hardware"
need apt-get apt
need dpkg-deb dpkg
need tar tar
need xz xz-utils
need gcc gcc
need ld binutils
need make make
printf '#include <stdio.h>\n' | gcc -E - >/dev/null 2>&1 ||
    fail "the headers of the C library are missing; Debian has them in the package libc6-dev: sudo apt-get install libc6-dev"

mkdir -p "$cache"
# Two runs at once: one builds, the other waits, and then finds the work done.
if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock 9
    if [ -n "$(finished)" ]; then
        finished
        exit 0
    fi
fi
started=$(date +%s)
work=$cache/work
rm -rf "$work"
mkdir -p "$work/packages" "$work/apt/lists/partial" "$work/apt/archives/partial"
reporter=
trap '[ -z "$reporter" ] || kill "$reporter"; rm -rf "$work"' EXIT

# apt with lists of its own: it asks where the system asks, needs no root and leaves the system's state alone.
with_apt() {
    tool=$1
    shift
    "$tool" -qq -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt" -o APT::Sandbox::User= \
        -o Debug::NoLocking=1 "$@" >&2
}

fetch() {
    (cd "$work/packages" && with_apt apt-get download "$@") ||
        fail "$* could not be fetched; is there a way to the internet?"
}

unpack() {
    for package in "$work/packages/$1"_*.deb; do
        dpkg-deb -x "$package" "$2"
    done
}

say "asking for the newest kernel source"
with_apt apt-get update || fail "the list of packages could not be fetched; is there a way to the internet?"
source=$(with_apt apt-cache depends linux-source 2>&1 | sed -n 's/.*Depends: *\(linux-source-[0-9.]*\).*/\1/p' | head -n 1)
[ -n "$source" ] || fail "the distribution's package linux-source was not found; Debian 12 and newer have it"
fetch "$source"
version=$(dpkg-deb -f "$work/packages/${source}"_*.deb Version)

for tool in flex bison m4 bc; do
    if ! command -v "$tool" >/dev/null; then
        say "$tool is missing here; unpacking the package $tool for this build"
        fetch "$tool"
        unpack "$tool" "$work/tools"
    fi
done
if [ -d "$work/tools" ]; then
    export PATH="$work/tools/usr/bin:$PATH"
    export BISON_PKGDATADIR="$work/tools/usr/share/bison"
    [ -d "$BISON_PKGDATADIR" ] || unset BISON_PKGDATADIR
    [ ! -x "$work/tools/usr/bin/m4" ] || export M4="$work/tools/usr/bin/m4"
fi

say "unpacking $source $version"
unpack "$source" "$work/package"
mkdir "$work/tree"
tar -xf "$work/package/usr/src/$source".tar.* -C "$work/tree" --strip-components=1
cd "$work/tree"

# replace FILE OLD NEW: the source must have what is replaced, else the kernel would not be the one the tests need.
replace() {
    grep -q "$2" "$1" || fail "$source $version: $1 has changed, '$2' is not in it"
    sed -i "s/$2/$3/" "$1"
}

# The kernel's clock interrupt: at 100 Hz every sleep inside would last 10 ms at least.
sed -i '/^config HZ$/,/^$/s/default 100$/default 1000/' arch/um/Kconfig
# The simulated interrupts of gpio-sim are delivered at the next clock interrupt where the machine has none for this
# purpose: two edges of a line within a millisecond became one, and edges of two lines came in the order of their
# numbers. Run at once they are as sharp as a chip's.
replace kernel/irq/irq_sim.c 'irq_work_queue(&irq_ctx->work_ctx->work);' \
    '{ unsigned long flags; irq_work_queue(\&irq_ctx->work_ctx->work); local_irq_save(flags); irq_work_run(); local_irq_restore(flags); }'
# A Pi's header keeps driving what is let go of, while gpio-sim puts it back to its pull at once. What becomes an input
# again follows its pull.
replace drivers/gpio/gpio-sim.c '__assign_bit(offset, chip->value_map, !!test_bit(offset, chip->pull_map));' \
    'if (test_bit(offset, chip->direction_map)) &'
replace drivers/gpio/gpio-sim.c '__set_bit(offset, chip->direction_map);' \
    '&\n\t__assign_bit(offset, chip->value_map, !!test_bit(offset, chip->pull_map));'
# The CPU time of processes is told in whole clock interrupts, so whoever wakes with the clock pays for all others: by the
# nanosecond it can be compared.
printf '\nunsigned long long notrace sched_clock(void)\n{\n\treturn os_nsecs();\n}\n' >>arch/um/kernel/time.c
# i2c-stub is a module only because it takes its addresses as a parameter; the kernel's command line does as well.
sed -i '/^config I2C_STUB$/,/help/{/depends on m$/d}' drivers/i2c/Kconfig
# Our own simulated devices.
cp -r "$here/drivers" drivers/outside
printf 'obj-y += outside/\n' >>drivers/Makefile

run_make() {
    make ARCH=um "$@" >>"$work/log" 2>&1 || {
        tail -n 30 "$work/log" >&2
        fail "make $* failed; the end of its output is above"
    }
}

say "configuring"
run_make tinyconfig
cat "$here/kernel.config" >>.config
run_make olddefconfig
for option in CONFIG_HZ=1000 $(grep '^CONFIG_' "$here/kernel.config"); do
    case $option in
    *=n) ;;
    *) grep -qxF "$option" .config || fail "$source $version does not take the option $option" ;;
    esac
done

report_progress() {
    while sleep 20; do
        say "$(grep -c ' CC ' "$work/log") of about 1000 files compiled"
    done
}

say "compiling, a few minutes, once"
# It must not hold on to our output or to the lock: whoever waits for their end would wait for its last sleep.
report_progress >/dev/null 9>&- &
reporter=$!
run_make -j"$(nproc)" linux
kill "$reporter"
reporter=

target=$cache/$source-$version-$key
rm -rf "$target"
mkdir "$target"
strip -o "$target/linux.new" linux
mv "$target/linux.new" "$target/linux"
say "built in $(($(date +%s) - started)) s"
finished
