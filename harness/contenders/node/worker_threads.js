// Threads with an event loop and fetch in each. The main thread waits for them.
"use strict";

const { once } = require("node:events");
const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");
const { VERSION, fetchAll, openAgent } = require("./fetch_client");
const protocol = require("./protocol");

async function runMain() {
  const plan = await protocol.readPlan();
  const workers = Array.from({ length: plan.processes }, (_, number) => {
    const ids = plan.ids.filter((_, index) => index % plan.processes === number);
    return new Worker(__filename, { workerData: { plan, ids, number } });
  });
  await Promise.all(workers.map((worker) => once(worker, "message")));

  const goNs = await protocol.ready(`${workers.length} threads`, VERSION);
  const results = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.postMessage(goNs);
  const shares = (await Promise.all(results)).map(([samples]) => samples);
  await protocol.done(...shares);
}

async function runWorker() {
  const { plan, ids, number } = workerData;
  const agent = openAgent(plan);
  const samples = protocol.newSamples(ids, number);
  parentPort.postMessage("ready");
  const [goNs] = await once(parentPort, "message");
  await fetchAll(plan, samples, goNs);
  parentPort.postMessage(samples);
  await agent.close();
}

if (isMainThread) runMain();
else runWorker();
