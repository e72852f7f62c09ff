"""Checks the system libraries that Qt needs on Linux, and installs the missing ones where that is allowed.

    python tools/system_libraries.py window    # a window on this screen; nothing to do where there is no screen
    python tools/system_libraries.py test      # the same, and the virtual screen that the tests start
    python tools/system_libraries.py venv      # what `python -m venv` needs

Standard library only: it runs before anything is installed. Ends with 1, and the line to type, if something is left.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: shared library -> the Debian and Ubuntu package that brings it
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


def missing_packages(purpose: str) -> list[str]:
    """The packages that `purpose` still needs, in alphabetical order."""
    if purpose == "venv":
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return [] if importlib.util.find_spec("ensurepip") else [f"python{version}-venv"]
    if purpose == "window" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return []
    packages = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if purpose == "test" and not shutil.which("Xvfb"):
        packages.append("xvfb")
    return sorted(packages)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install(packages: list[str]) -> bool:
    """Installs `packages` with apt-get as root, or through sudo where that asks for no password."""
    apt = shutil.which("apt-get")
    if apt is None:
        return False
    prefix: list[str] = []
    if os.geteuid() != 0:
        sudo = shutil.which("sudo")
        if sudo is None or subprocess.run([sudo, "-n", "true"], capture_output=True).returncode != 0:
            return False
        prefix = [sudo, "-n"]
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive"]
    say(f"Installing what Qt needs: {' '.join(packages)}")
    subprocess.run([*prefix, apt, "update", "-qq"], stdout=subprocess.DEVNULL)
    done = subprocess.run(
        [*prefix, apt, "install", "-y", "-qq", "--no-install-recommends", *packages], stdout=subprocess.DEVNULL
    )
    return done.returncode == 0


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(purpose: str) -> int:
    if not sys.platform.startswith("linux"):
        return 0
    packages = missing_packages(purpose)
    if not packages:
        return 0
    if install(packages) and not missing_packages(purpose):
        return 0
    say("Some system libraries are missing. On Debian or Ubuntu, this line installs them:")
    say(f"    sudo apt-get update && sudo apt-get install -y {' '.join(missing_packages(purpose))}")
    if not Path("/etc/debian_version").exists():
        say("On another system, install the packages that hold these libraries:")
        say(f"    {' '.join(library for library in LIBRARIES if not _loads(library))}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "window"))
