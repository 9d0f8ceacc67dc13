"""One thread, one session, one request at a time."""

import protocol
import requests_client

plan = protocol.read_plan()
with requests_client.open_session(plan) as session:
    go_ns = protocol.ready("1 thread", requests_client.VERSION)
    samples = [requests_client.fetch(session, plan, id, go_ns) for id in plan["ids"]]
    protocol.done(samples)
