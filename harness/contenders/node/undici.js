// One thread, and undici's own request over a pool of connections.
"use strict";

const { Pool } = require("undici");
const { version } = require("undici/package.json");
const { failure } = require("./errors");
const protocol = require("./protocol");
const { withTimeout } = require("./timeout");

function openPool(plan) {
  return new Pool(new URL(plan.url_prefix).origin, {
    connections: plan.in_flight,
    pipelining: 1,
    maxHeaderSize: 64 * 1024,
    connect: { timeout: plan.connect_timeout_ms },
  });
}

function get(pool, plan, id) {
  return withTimeout(plan.request_timeout_ms, async (signal) => {
    const { statusCode, body } = await pool.request({
      method: "GET",
      path: new URL(plan.url_prefix).pathname + id,
      signal,
    });
    return protocol.response(statusCode, await body.bytes());
  });
}

async function main() {
  const plan = await protocol.readPlan();
  const pool = openPool(plan);
  const samples = protocol.newSamples(plan.ids);
  const goNs = await protocol.ready("1 thread", `undici ${version}`);

  const rest = samples.ids.entries();
  const loop = async () => {
    for (const [index, id] of rest) {
      const startNs = protocol.now();
      const outcome = await get(pool, plan, id).catch(failure);
      protocol.add(samples, index, goNs, startNs, outcome);
    }
  };
  await Promise.all(Array.from({ length: plan.in_flight }, loop));

  await protocol.done(samples);
  await pool.close();
}

main();
