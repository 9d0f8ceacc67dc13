"""One event loop: that of asyncio, or uvloop with the argument `uvloop`."""

import asyncio
import sys

import uvloop

import aiohttp_client
import protocol


async def run(plan, runtime):
    samples = protocol.Samples(len(plan["ids"]))
    async with aiohttp_client.open_session(plan) as session:
        go_ns = protocol.ready(f"{runtime}, 1 thread", aiohttp_client.VERSION)
        await aiohttp_client.fetch_all(session, plan, samples, plan["ids"])
        protocol.done(go_ns, samples)


if sys.argv[1:] == ["uvloop"]:
    uvloop.run(run(protocol.read_plan(), f"uvloop {uvloop.__version__}"))
else:
    asyncio.run(run(protocol.read_plan(), "asyncio"))
