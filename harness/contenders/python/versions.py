"""What would be measured: the interpreter, and the packages that were set up for it."""

import platform
from importlib.metadata import version

packages = ", ".join(f"{name} {version(name)}" for name in ("requests", "aiohttp", "httpx", "uvloop"))
print(f"Python {platform.python_version()} ({packages})")
