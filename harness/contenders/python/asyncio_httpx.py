"""The event loop of asyncio, and httpx."""

import asyncio
import time

import httpcore
import httpx

import protocol

VERSION = f"httpx {httpx.__version__}, httpcore {httpcore.__version__}"

# Whether a response is incomplete or malformed is only in the message.
KINDS = [
    ("timeout", httpx.TimeoutException),
    ("connect", httpx.ConnectError),
    ("reset", httpx.NetworkError),
    ("truncated", httpx.ProtocolError, "Server disconnected"),
    ("truncated", httpx.ProtocolError, "peer closed connection"),
    ("malformed", httpx.ProtocolError),
    ("malformed", httpx.DecodingError),
    ("malformed", ValueError),
]


def open_client(plan):
    request_s = plan["request_timeout_ms"] / 1000
    return httpx.AsyncClient(
        limits=httpx.Limits(
            max_connections=plan["in_flight"], max_keepalive_connections=plan["in_flight"]
        ),
        # Timeouts apply to each read and write: httpx has none for a whole request.
        timeout=httpx.Timeout(request_s, connect=plan["connect_timeout_ms"] / 1000, pool=None),
        headers={"Accept-Encoding": "identity"},
        trust_env=False,
    )


async def fetch(client, plan, samples, index, id):
    start_ns = time.monotonic_ns()
    try:
        response = await client.get(f"{plan['url_prefix']}{id}")
        outcome = protocol.response(response.status_code, response.content)
    except Exception as error:  # a bad response can raise errors other than those of httpx
        outcome = protocol.failure(error, KINDS)
    samples.add(index, id, start_ns, outcome)


async def run(plan):
    samples = protocol.Samples(len(plan["ids"]))
    semaphore = asyncio.Semaphore(plan["in_flight"])

    async def fetch_one(index, id):
        async with semaphore:
            await fetch(client, plan, samples, index, id)

    async with open_client(plan) as client:
        go_ns = protocol.ready("asyncio, 1 thread", VERSION)
        await asyncio.gather(*(fetch_one(index, id) for index, id in enumerate(plan["ids"])))
        protocol.done(go_ns, samples)


asyncio.run(run(protocol.read_plan()))
