"""A pool of as many threads as requests may be in flight. Each fetches one URL after another."""

from concurrent.futures import ThreadPoolExecutor

import protocol
import requests_client

plan = protocol.read_plan()
threads = plan["in_flight"]
samples = protocol.Samples(len(plan["ids"]))


def fetch_one(index, id):
    requests_client.fetch(session, plan, samples, index, id)


with requests_client.open_session(plan) as session, ThreadPoolExecutor(max_workers=threads) as pool:
    go_ns = protocol.ready(f"{threads} threads", requests_client.VERSION)
    for _ in pool.map(fetch_one, range(len(plan["ids"])), plan["ids"]):
        pass
    protocol.done(go_ns, samples)
