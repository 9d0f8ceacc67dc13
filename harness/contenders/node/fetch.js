// One thread, and fetch.
"use strict";

const { VERSION, fetchAll, openAgent } = require("./fetch_client");
const protocol = require("./protocol");

async function main() {
  const plan = await protocol.readPlan();
  const agent = openAgent(plan);
  const samples = protocol.newSamples(plan.ids);
  const goNs = await protocol.ready("1 thread", VERSION);
  await fetchAll(plan, samples, goNs);
  await protocol.done(samples);
  await agent.close();
}

main();
