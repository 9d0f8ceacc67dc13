// Processes that a cluster primary forks, with fetch in each. The primary waits for them.
"use strict";

const cluster = require("node:cluster");
const { once } = require("node:events");
const { VERSION, fetchAll, openAgent } = require("./fetch_client");
const protocol = require("./protocol");

async function runPrimary() {
  const plan = await protocol.readPlan();
  cluster.setupPrimary({ serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] });
  cluster.on("exit", (worker, code) => {
    if (code !== 0) throw new Error(`a worker ended with ${code}`);
  });
  const workers = Array.from({ length: plan.processes }, () => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, "online")));
  workers.forEach((worker, number) => {
    const ids = plan.ids.filter((_, index) => index % plan.processes === number);
    worker.send({ plan, ids, number });
  });
  await Promise.all(workers.map((worker) => once(worker, "message")));

  const goNs = await protocol.ready(`${workers.length} processes`, VERSION);
  const results = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.send({ goNs });
  const shares = (await Promise.all(results)).map(([samples]) => samples);
  await protocol.done(...shares);
  for (const worker of workers) worker.disconnect();
}

async function runWorker() {
  const [{ plan, ids, number }] = await once(process, "message");
  const agent = openAgent(plan);
  const samples = protocol.newSamples(ids, number);
  process.send("ready");
  const [{ goNs }] = await once(process, "message");
  await fetchAll(plan, samples, goNs);
  process.send(samples);
  await agent.close();
}

if (cluster.isPrimary) runPrimary();
else runWorker();
