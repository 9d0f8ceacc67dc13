"""A pool of as many threads as requests may be in flight; each takes the next URL, and waits for it."""

from concurrent.futures import ThreadPoolExecutor

import protocol
import requests_client

plan = protocol.read_plan()
threads = plan["in_flight"]
with requests_client.open_session(plan) as session, ThreadPoolExecutor(max_workers=threads) as pool:
    go_ns = protocol.ready(f"{threads} threads", requests_client.VERSION)
    samples = list(pool.map(lambda id: requests_client.fetch(session, plan, id, go_ns), plan["ids"]))
    protocol.done(samples)
