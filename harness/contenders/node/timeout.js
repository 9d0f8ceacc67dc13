// A timeout for a whole request.
"use strict";

/**
 * Resolves to the result of `request(signal)`, or rejects with a TimeoutError after `ms`. AbortSignal.timeout is not
 * reliable here: its timer keeps no event loop alive, and once fetch's own signal was garbage-collected, an abort
 * has no effect and the promise never settles (nodejs/node#56917). So this is an ordinary timer, which both rejects
 * and aborts.
 */
async function withTimeout(ms, request) {
  const controller = new AbortController();
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const error = new DOMException("the request timed out", "TimeoutError");
      reject(error);
      controller.abort(error);
    }, ms);
  });
  return Promise.race([request(controller.signal), expired]).finally(() => clearTimeout(timer));
}

module.exports = { withTimeout };
