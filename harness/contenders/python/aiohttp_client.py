"""aiohttp: one session, shared by the programs with an event loop."""

import asyncio
import time

import aiohttp

import protocol

VERSION = f"aiohttp {aiohttp.__version__}"

# The reason why a body is incomplete is only in the message.
KINDS = [
    ("timeout", asyncio.TimeoutError),
    ("connect", aiohttp.ClientConnectorError),
    ("truncated", aiohttp.ServerDisconnectedError),
    ("reset", ConnectionError),
    ("reset", aiohttp.ClientPayloadError, "ConnectionResetError"),
    ("truncated", aiohttp.ClientPayloadError, "Not enough data"),
    ("malformed", aiohttp.ClientPayloadError),
    ("malformed", aiohttp.ClientResponseError),
    ("malformed", ValueError),
]

# The default limit of aiohttp on a header field is 8 KiB.
MAX_HEADER_BYTES = 64 * 1024


def open_session(plan):
    """Must be called within the event loop, to which a session belongs."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=plan["in_flight"]),
        timeout=aiohttp.ClientTimeout(
            total=plan["request_timeout_ms"] / 1000, sock_connect=plan["connect_timeout_ms"] / 1000
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        max_field_size=MAX_HEADER_BYTES,
        auto_decompress=False,
        trust_env=False,
    )
    # By default a GET is sent again when its idle connection turned out to be closed. There is no public switch.
    session._retry_connection = False
    return session


async def fetch(session, plan, samples, index, id):
    start_ns = time.monotonic_ns()
    try:
        async with session.get(f"{plan['url_prefix']}{id}", allow_redirects=False) as response:
            body = await response.read()
        outcome = protocol.response(response.status, body)
    except Exception as error:  # a bad response can raise errors other than those of aiohttp
        outcome = protocol.failure(error, KINDS)
    samples.add(index, id, start_ns, outcome)


async def fetch_all(session, plan, samples, ids):
    """Runs a task for every URL. A semaphore limits the requests in flight."""
    semaphore = asyncio.Semaphore(plan["in_flight"])

    async def fetch_one(index, id):
        async with semaphore:
            await fetch(session, plan, samples, index, id)

    await asyncio.gather(*(fetch_one(index, id) for index, id in enumerate(ids)))
