"""One thread, one session, one request at a time."""

import protocol
import requests_client

plan = protocol.read_plan()
samples = protocol.Samples(len(plan["ids"]))
with requests_client.open_session(plan) as session:
    go_ns = protocol.ready("1 thread", requests_client.VERSION)
    for index, id in enumerate(plan["ids"]):
        requests_client.fetch(session, plan, samples, index, id)
    protocol.done(go_ns, samples)
