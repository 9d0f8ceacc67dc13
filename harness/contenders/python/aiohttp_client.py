"""aiohttp: one session, as the programs use it that wait on an event loop."""

import asyncio
import time

import aiohttp

import protocol

VERSION = f"aiohttp {aiohttp.__version__}"

# Of a body that is cut short only the message tells why.
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

# aiohttp's own limit on a header field is 8 KiB.
MOST_HEADER_BYTES = 64 * 1024


def open_session(plan):
    """Is called within the event loop, to which a session belongs."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=plan["in_flight"]),
        timeout=aiohttp.ClientTimeout(
            total=plan["request_timeout_ms"] / 1000, sock_connect=plan["connect_timeout_ms"] / 1000
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        max_field_size=MOST_HEADER_BYTES,
        auto_decompress=False,
        trust_env=False,
    )
    # Otherwise a GET is sent again whose idle connection turned out to be closed. There is no public switch.
    session._retry_connection = False
    return session


async def fetch(session, plan, samples, index, id):
    start_ns = time.monotonic_ns()
    try:
        async with session.get(f"{plan['url_prefix']}{id}", allow_redirects=False) as answer:
            body = await answer.read()
        outcome = protocol.response(answer.status, body)
    except Exception as error:  # not all that a bad answer raises is an error of aiohttp
        outcome = protocol.failure(error, KINDS)
    samples.add(index, id, start_ns, outcome)


async def fetch_all(session, plan, samples, ids):
    """A task for every URL, of which a semaphore lets so many begin as may be in flight."""
    semaphore = asyncio.Semaphore(plan["in_flight"])

    async def fetch_one(index, id):
        async with semaphore:
            await fetch(session, plan, samples, index, id)

    await asyncio.gather(*(fetch_one(index, id) for index, id in enumerate(ids)))
