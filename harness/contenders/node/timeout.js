// The time that a whole request may take.
"use strict";

/**
 * What `request(signal)` resolves to, or a TimeoutError after `ms`. AbortSignal.timeout does not do: its timer keeps no
 * event loop alive, and once fetch's own signal was collected as garbage, an abort reaches nobody and the promise never
 * settles (nodejs/node#56917). So the timer is an ordinary one, and rejects by itself besides aborting.
 */
async function withTimeout(ms, request) {
  const controller = new AbortController();
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const error = new DOMException("the request took too long", "TimeoutError");
      reject(error);
      controller.abort(error);
    }, ms);
  });
  return Promise.race([request(controller.signal), expired]).finally(() => clearTimeout(timer));
}

module.exports = { withTimeout };
