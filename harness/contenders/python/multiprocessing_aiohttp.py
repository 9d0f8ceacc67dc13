"""A pool of processes. Each has an event loop and fetches its share of the URLs."""

import asyncio
import multiprocessing

import aiohttp_client
import protocol


def set_up(plan, all_ready):
    """Creates the loop, the session and the samples of a child process before work arrives."""
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
    with context.Pool(processes, set_up, (plan, all_ready)) as pool:
        all_ready.wait()
        go_ns = protocol.ready(f"asyncio, {processes} processes", aiohttp_client.VERSION)
        shares = [(process, plan, ids[process::processes]) for process in range(processes)]
        protocol.done(go_ns, *pool.starmap(fetch_share, shares, chunksize=1))


main()
