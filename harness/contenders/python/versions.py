"""Prints the versions of the interpreter and of the installed packages."""

import platform
from importlib.metadata import version

packages = ", ".join(f"{name} {version(name)}" for name in ("requests", "aiohttp", "httpx", "uvloop"))
print(f"Python {platform.python_version()} ({packages})")
