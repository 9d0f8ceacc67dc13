"""What every program here hears from the harness and says to it: one JSON value a line."""

import json
import platform
import resource
import sys
import time
import zlib


def read_plan():
    # A connection is a descriptor, of which many systems allow 1,024 unless asked for more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return json.loads(sys.stdin.readline())


def ready(runtime, client):
    """Says that everything is set up, waits for `go`, and gives the time of it in nanoseconds."""
    runtime = f"Python {platform.python_version()}, {runtime}"
    print(json.dumps({"ready": True, "runtime": runtime, "client": client}), flush=True)
    word = sys.stdin.readline().strip()
    if word != "go":
        sys.exit(f"expected `go` on stdin, got {word!r}")
    return time.monotonic_ns()


def done(samples):
    """Says that the last response is in, waits until the meters were read, and tells the samples."""
    print("done", flush=True)
    sys.stdin.read()
    sys.stdout.writelines(json.dumps(sample) + "\n" for sample in samples)


def sample(id, go_ns, start_ns, outcome):
    """One request, which ends now."""
    end_ns = time.monotonic_ns()
    return {"id": id, "start_ns": start_ns - go_ns, "end_ns": end_ns - go_ns, **outcome}


def response(status, body):
    return {"status": status, "bytes": len(body), "crc32": zlib.crc32(body)}


def failure(error, kinds):
    """The first of `kinds` that fits the error or anything that caused it: a type, and words of its message."""
    causes = []
    while error is not None:
        causes.append(error)
        error = error.__cause__ or error.__context__
    for kind, type, *words in kinds:
        if any(isinstance(cause, type) and all(word in str(cause) for word in words) for cause in causes):
            return {"error": kind}
    return {"error": "other"}
