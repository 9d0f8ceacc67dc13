// The error kinds of undici's errors, which fetch wraps in a TypeError.
"use strict";

const KINDS = {
  ECONNREFUSED: "connect",
  EHOSTUNREACH: "connect",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "truncated", // "other side closed"; UNREQUESTED_RESPONSES are handled before
  HPE_INVALID_EOF_STATE: "truncated",
  UND_ERR_HEADERS_OVERFLOW: "malformed",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "malformed",
  Z_BUF_ERROR: "malformed",
  Z_DATA_ERROR: "malformed", // fetch decompresses
  ERR_ASSERTION: "malformed", // undici's parser asserts the range of a status
};

/** The messages with which undici destroys a socket on an unrequested response. */
const UNREQUESTED_RESPONSES = ["bad response", "bad upgrade"];

function failure(error) {
  for (let cause = error; cause; cause = cause.cause) {
    if (cause.name === "TimeoutError") return { error: "timeout" };
    if (UNREQUESTED_RESPONSES.includes(cause.message)) return { error: "malformed" };
    if (KINDS[cause.code]) return { error: KINDS[cause.code] };
    if (cause.name === "HTTPParserError") return { error: "malformed" };
  }
  return { error: "other" };
}

module.exports = { failure };
