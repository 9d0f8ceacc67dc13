"""The protocol between the harness and these programs: one JSON value a line."""

import json
import platform
import resource
import sys
import time
import zlib
from array import array


def read_plan():
    # A connection is a descriptor. Many systems allow 1,024 by default.
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    return json.loads(sys.stdin.readline())


def ready(runtime, client):
    """Reports that setup is complete, waits for `go`, and returns its time in nanoseconds."""
    runtime = f"Python {platform.python_version()}, {runtime}"
    print(json.dumps({"ready": True, "runtime": runtime, "client": client}), flush=True)
    word = sys.stdin.readline().strip()
    if word != "go":
        sys.exit(f"expected `go` on stdin, got {word!r}")
    return time.monotonic_ns()


def done(go_ns, *shares):
    """Reports that all responses are received, waits until the meters were read, and writes the samples."""
    print("done", flush=True)
    sys.stdin.read()
    for samples in shares:
        sys.stdout.writelines(json.dumps(sample) + "\n" for sample in samples.since(go_ns))


class Samples:
    """The samples. All memory is touched before `go`, so that no request adds to it."""

    def __init__(self, count):
        zeros = bytes(8 * count)
        self.ids, self.starts_ns, self.ends_ns = array("q", zeros), array("q", zeros), array("q", zeros)
        self.statuses, self.lengths, self.crc32s = array("q", zeros), array("q", zeros), array("q", zeros)
        self.errors = [None] * count
        self.process = None

    def add(self, index, id, start_ns, outcome):
        """Records a request that ends now."""
        self.ends_ns[index] = time.monotonic_ns()
        self.ids[index], self.starts_ns[index] = id, start_ns
        self.statuses[index], self.lengths[index], self.crc32s[index], self.errors[index] = outcome

    def since(self, go_ns):
        """The samples as the harness reads them, without unused entries."""
        for index, end_ns in enumerate(self.ends_ns):
            if end_ns == 0:
                continue
            sample = {"id": self.ids[index], "start_ns": self.starts_ns[index] - go_ns, "end_ns": end_ns - go_ns}
            if self.errors[index]:
                sample["error"] = self.errors[index]
            else:
                sample["status"], sample["bytes"] = self.statuses[index], self.lengths[index]
                sample["crc32"] = self.crc32s[index]
            if self.process is not None:
                sample["process"] = self.process
            yield sample


def response(status, body):
    """The outcome of a response: status, length, CRC-32, and no error."""
    return status, len(body), zlib.crc32(body), None


def failure(error, kinds):
    """The outcome of an error: the first of `kinds` whose type and words match it or one of its causes."""
    causes = []
    while error is not None:
        causes.append(error)
        error = error.__cause__ or error.__context__
    for kind, type, *words in kinds:
        if any(isinstance(cause, type) and all(word in str(cause) for word in words) for cause in causes):
            return 0, 0, 0, kind
    return 0, 0, 0, "other"
