"""Makes a wheel of lgpio for either architecture, on either: the index has none for CPython 3.13.

The C library and its Python wrapper become one file, as in the wheels on the index. It keeps to Python's limited API,
so the same file serves CPython 3.11 and everything after it, and the headers of the Python that builds will do,
whatever machine they were made for: in what that API shows of them, two 64-bit Linux machines do not differ. Zig's C
compiler makes code for both, against the glibc that is named here.

The same source, tools and minor version of the headers give the same bytes.

usage: lgpio_wheel.py MACHINE      MACHINE is aarch64 or x86_64; prints the wheel's path
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import lock
from index import fetch

CACHE = Path(__file__).parents[1] / ".cache" / "lgpio"
GLIBC = "2.28"
"""Debian 10's: older than any system with Python 3.11 as its own."""
LIMITED_API = "0x030B0000"
"""Python 3.11: the first with buffers in the limited API."""
WRAPPER = """\
/* In the limited API Python.h does not bring these, and what swig writes relies on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lgpio_wrap.c"
"""
TYPE = 'PyType_Spec spec = {\n    "'
"""What comes before a type's name in what swig writes."""
FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip file can hold."""


def make_wheel(machine: str) -> Path:
    """The wheel for this machine, from the cache where the same was made before."""
    wanted = lock.source_of("lgpio")
    folder = CACHE / f"{machine}-{_digest(wanted)}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as name:
            scratch = Path(name)
            source = _fetch(wanted, scratch)
            _wrap(source)
            _compile(source, machine)
            (scratch / "wheel").mkdir()
            _pack(source, scratch / "wheel", f"cp311-abi3-manylinux_{GLIBC.replace('.', '_')}_{machine}", wanted)
            (scratch / "wheel").rename(folder)
    (wheel,) = folder.iterdir()
    return wheel


def _digest(wanted: lock.Pin) -> str:
    """What the wheel depends on."""
    script, tools = Path(__file__), Path(__file__).with_name("tools.txt")
    parts = (script.read_text(), tools.read_text(), repr(wanted), _headers().name)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _headers() -> Path:
    return Path(sysconfig.get_path("include"))


def _fetch(wanted: lock.Pin, scratch: Path) -> Path:
    files = scratch / "files"
    fetch([wanted.requirement(wanted.hashes)], ["--no-build-isolation", f"--no-binary={wanted.name}"], files)
    (archive,) = files.iterdir()
    shutil.unpack_archive(archive, scratch)  # what is in it is known by its hash
    return scratch / archive.name.removesuffix(".tar.gz")


def _wrap(source: Path) -> None:
    """Write lgpio_wrap.c and lgpio.py."""
    swig = Path(sysconfig.get_path("scripts"), "swig")
    subprocess.run([swig, "-python", "-o", "lgpio_wrap.c", "lgpio.i"], cwd=source, check=True)
    # swig names its types without their module, of which Python warns. Where warnings are errors these types are then
    # missing, and the interpreter crashes at its end.
    wrapped = source / "lgpio_wrap.c"
    before, *types = wrapped.read_text().split(TYPE)
    if len(types) != 3:
        raise SystemExit(f"lgpio cannot be built: swig wrote {len(types)} types instead of 3")
    wrapped.write_text(f"{TYPE}_lgpio.".join([before, *types]))


def _compile(source: Path, machine: str) -> None:
    (source / "wrapper.c").write_text(WRAPPER)
    headers = source / "python"
    shutil.copytree(_headers(), headers)
    # Debian's names one for each architecture, of which only the builder's own is installed.
    shutil.copyfile(_configuration(), headers / "pyconfig.h")
    library = sorted(path.relative_to(source) for path in (source / "src").glob("lg*.c"))
    cache = str(CACHE / "zig")
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-gnu.{GLIBC}", "-shared", "-fPIC", "-O3",
         "-pthread", "-s", "-w", f"-DPy_LIMITED_API={LIMITED_API}", "-Isrc", "-Ipython", *library, "src/rgpiod.c",
         "wrapper.c", "-lrt", "-ldl", "-o", "_lgpio.abi3.so"],
        cwd=source, check=True, env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
    )  # fmt: skip


def _configuration() -> Path:
    """The pyconfig.h that says what the builder's own machine is like."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    headers = _headers()
    of_debian = headers.parent / multiarch / headers.name / "pyconfig.h"
    return of_debian if of_debian.exists() else headers / "pyconfig.h"


def _pack(source: Path, folder: Path, tag: str, wanted: lock.Pin) -> None:
    meta = f"{wanted.name}-{wanted.version}.dist-info"
    files = {
        "_lgpio.abi3.so": (source / "_lgpio.abi3.so").read_bytes(),
        "lgpio.py": (source / "lgpio.py").read_bytes(),
        f"{meta}/LICENSE": (source / "LICENSE").read_bytes(),
        f"{meta}/METADATA": (source / "PKG-INFO").read_bytes(),
        f"{meta}/WHEEL": f"Wheel-Version: 1.0\nGenerator: pi-drivers\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{name},sha256={_checksum(data)},{len(data)}\n" for name, data in files.items())
    files[f"{meta}/RECORD"] = f"{record}{meta}/RECORD,,\n".encode()
    with zipfile.ZipFile(folder / f"{wanted.name}-{wanted.version}-{tag}.whl", "w") as wheel:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)


def _checksum(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    print(make_wheel(sys.argv[1]))
