"""requests: one session, shared by the programs with threads."""

import http.client
import time

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidChunkLength, NewConnectionError, ProtocolError

import protocol

VERSION = f"requests {requests.__version__}, urllib3 {urllib3.__version__}"

# An error of requests wraps one of urllib3, which wraps one of http.client or of the socket.
KINDS = [
    ("connect", NewConnectionError),
    ("timeout", (TimeoutError, urllib3.exceptions.TimeoutError)),
    ("truncated", http.client.RemoteDisconnected),
    ("malformed", InvalidChunkLength),
    ("truncated", http.client.IncompleteRead),
    ("reset", ConnectionError),
    ("malformed", http.client.HTTPException),
    ("truncated", ProtocolError),
    ("malformed", urllib3.exceptions.DecodeError),
    ("malformed", ValueError),
]


def open_session(plan):
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc
    session.headers["Accept-Encoding"] = "identity"
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=plan["in_flight"], max_retries=0))
    return session


def fetch(session, plan, samples, index, id):
    # The second applies to each read: requests has no timeout for a whole request.
    timeout = plan["connect_timeout_ms"] / 1000, plan["request_timeout_ms"] / 1000
    start_ns = time.monotonic_ns()
    try:
        response = session.get(f"{plan['url_prefix']}{id}", timeout=timeout, allow_redirects=False)
        # http.client ignores a length that is no number, and reads until the connection closes.
        if not response.headers.get("Content-Length", "0").strip().isdecimal():
            raise ValueError("the length is no number")
        outcome = protocol.response(response.status_code, response.content)
    except Exception as error:  # a bad response can raise errors other than those of requests
        outcome = protocol.failure(error, KINDS)
    samples.add(index, id, start_ns, outcome)
