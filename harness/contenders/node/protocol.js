// The protocol between the harness and these programs: one JSON value a line.
"use strict";

const readline = require("node:readline");
const { crc32 } = require("node:zlib");

let lines;

async function readPlan() {
  lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  return JSON.parse((await lines.next()).value);
}

/** Reports that setup is complete, waits for `go`, and returns its time in nanoseconds. */
async function ready(runtime, client) {
  writeLine(JSON.stringify({ ready: true, runtime: `Node.js ${process.versions.node}, ${runtime}`, client }));
  const word = (await lines.next()).value;
  if (word !== "go") throw new Error(`expected \`go\` on stdin, got ${JSON.stringify(word)}`);
  return now();
}

/** Reports that all responses are received, waits until the meters were read, and writes the samples of all shares. */
async function done(...shares) {
  writeLine("done");
  while (!(await lines.next()).done);
  for (const samples of shares) {
    for (let index = 0; index < samples.ids.length; index++) writeLine(JSON.stringify(sample(samples, index)));
  }
}

/** Memory for the samples, touched before `go`, so that no request adds to it. */
function newSamples(ids, process) {
  const column = () => new Float64Array(ids.length).fill(-1);
  const times = { startNs: column(), endNs: column() };
  const response = { status: column(), bytes: column(), crc32: column() };
  return { ids: Float64Array.from(ids), process, ...times, ...response, errors: ids.map(() => "other") };
}

/** One sample as the harness reads it. */
function sample({ ids, process, startNs, endNs, status, bytes, crc32, errors }, index) {
  const error = errors[index];
  return {
    id: ids[index],
    start_ns: startNs[index],
    end_ns: endNs[index],
    ...(error ? { error } : { status: status[index], bytes: bytes[index], crc32: crc32[index] }),
    process,
  };
}

function writeLine(line) {
  process.stdout.write(line + "\n");
}

function now() {
  return process.hrtime.bigint();
}

/** Records a request that ends now. */
function add(samples, index, goNs, startNs, { status, bytes, crc32, error }) {
  samples.endNs[index] = Number(now() - goNs);
  samples.startNs[index] = Number(startNs - goNs);
  samples.status[index] = status;
  samples.bytes[index] = bytes;
  samples.crc32[index] = crc32;
  samples.errors[index] = error;
}

function response(status, body) {
  return { status, bytes: body.length, crc32: crc32(body) };
}

module.exports = { readPlan, ready, done, now, newSamples, add, response };
