// What every program here hears from the harness and says to it: one JSON value a line.
"use strict";

const readline = require("node:readline");
const { crc32 } = require("node:zlib");

let lines;

async function readPlan() {
  lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  return JSON.parse((await lines.next()).value);
}

/** Says that everything is set up, waits for `go`, and gives the time of it in nanoseconds. */
async function ready(runtime, client) {
  say(JSON.stringify({ ready: true, runtime: `Node.js ${process.versions.node}, ${runtime}`, client }));
  const word = (await lines.next()).value;
  if (word !== "go") throw new Error(`expected \`go\` on stdin, got ${JSON.stringify(word)}`);
  return now();
}

/** Says that the last response is in, waits until the meters were read, and tells the samples. */
async function done(samples) {
  say("done");
  while (!(await lines.next()).done);
  for (const sample of samples) say(JSON.stringify(sample));
}

function say(line) {
  process.stdout.write(line + "\n");
}

function now() {
  return process.hrtime.bigint();
}

/** One request, which ends now. */
function sample(id, goNs, startNs, outcome) {
  return { id, start_ns: Number(startNs - goNs), end_ns: Number(now() - goNs), ...outcome };
}

function response(status, body) {
  return { status, bytes: body.length, crc32: crc32(body) };
}

module.exports = { readPlan, ready, done, now, sample, response };
