"""A pool of processes, and in each an event loop with its share of the URLs."""

import asyncio
import multiprocessing

import aiohttp_client
import protocol


def begin(plan, all_ready):
    """A child's set-up: a loop, a session and samples of its own, to be there when work comes."""
    global loop, session, samples
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(open_session(plan))
    largest_share = -(-len(plan["ids"]) // plan["processes"])
    samples = protocol.Samples(largest_share)
    all_ready.wait()


async def open_session(plan):
    return aiohttp_client.open_session(plan)


def fetch_share(process, plan, ids):
    samples.process = process
    loop.run_until_complete(aiohttp_client.fetch_all(session, plan, samples, ids))
    return samples


def main():
    plan = protocol.read_plan()
    processes, ids = plan["processes"], plan["ids"]
    context = multiprocessing.get_context("fork")
    all_ready = context.Barrier(processes + 1)
    with context.Pool(processes, begin, (plan, all_ready)) as pool:
        all_ready.wait()
        go_ns = protocol.ready(f"asyncio, {processes} processes", aiohttp_client.VERSION)
        shares = [(process, plan, ids[process::processes]) for process in range(processes)]
        protocol.done(go_ns, *pool.starmap(fetch_share, shares, chunksize=1))


main()
