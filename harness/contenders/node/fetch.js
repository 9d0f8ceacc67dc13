// One thread, and fetch.
"use strict";

const { VERSION, fetchAll, openAgent } = require("./fetch_client");
const protocol = require("./protocol");

async function main() {
  const plan = await protocol.readPlan();
  const agent = openAgent(plan);
  const goNs = await protocol.ready("1 thread", VERSION);
  await protocol.done(await fetchAll(plan, plan.ids, goNs));
  await agent.close();
}

main();
