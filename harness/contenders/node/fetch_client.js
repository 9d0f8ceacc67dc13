// The built-in fetch of Node.js, and the dispatcher that provides its connections.
"use strict";

const { Agent, setGlobalDispatcher } = require("undici");
const { version } = require("undici/package.json");
const { failure } = require("./errors");
const protocol = require("./protocol");
const { withTimeout } = require("./timeout");

const VERSION = `fetch of undici ${process.versions.undici}, agent of undici ${version}`;

/** Creates and installs the agent of this thread. */
function openAgent(plan) {
  const agent = new Agent({
    connections: plan.in_flight,
    pipelining: 1,
    maxHeaderSize: 64 * 1024,
    connect: { timeout: plan.connect_timeout_ms },
  });
  setGlobalDispatcher(agent);
  return agent;
}

/** Runs as many loops as requests may be in flight. Each fetches one URL after another. */
async function fetchAll(plan, samples, goNs) {
  const rest = samples.ids.entries();
  const loop = async () => {
    for (const [index, id] of rest) {
      const startNs = protocol.now();
      const outcome = await get(plan, id).catch(failure);
      protocol.add(samples, index, goNs, startNs, outcome);
    }
  };
  await Promise.all(Array.from({ length: plan.in_flight }, loop));
}

function get(plan, id) {
  return withTimeout(plan.request_timeout_ms, async (signal) => {
    const response = await fetch(plan.url_prefix + id, {
      redirect: "manual",
      headers: { "accept-encoding": "identity" },
      signal,
    });
    return protocol.response(response.status, new Uint8Array(await response.arrayBuffer()));
  });
}

module.exports = { VERSION, openAgent, fetchAll };
