// A runtime client for Node, as small as one can be: AWS's own needs a compiler to install. It runs the handler that
// BENCH_HANDLER names, and tells its times as benchmarks/probe/timed.py does.
"use strict";
const module_ = BigInt(Date.now()) * 1000000n;
const fs = require("fs");
const http = require("http");
const https = require("https");
const Module = require("module");

const api = new URL(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`);
const now = () => Number(process.hrtime.bigint() - beganSteady) + beganWall;
const beganSteady = process.hrtime.bigint();
const beganWall = Number(module_);

// The SDK is imported inside the handler: that counts as import, too.
let importing = 0;
const load = Module.prototype.require;
Module.prototype.require = function (id) {
  if (!id.startsWith("@aws-sdk/client-")) return load.call(this, id);
  const begun = now();
  try {
    return load.call(this, id);
  } finally {
    importing += now() - begun;
  }
};

// The handler leaves the ResponseURL's port out: CloudFormation's has none, that of a server on loopback does.
let port;
const put = https.request;
let calls = [];
https.request = function (options, ...rest) {
  if (options.method === "PUT") return put.call(this, { ...options, port }, ...rest);
  const begun = now();
  const request = put.call(this, options, ...rest);
  request.on("close", () => calls.push([begun, now()]));
  return request;
};

const ask = (path, options, body) =>
  new Promise((resolve, reject) => {
    const request = http.request(new URL(path, api), options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });

(async () => {
  const [file, name] = process.env.BENCH_HANDLER.split("#");
  const handler = require(file)[name];
  const imported = now();
  for (;;) {
    const { headers, body } = await ask("invocation/next", { method: "GET" });
    const begun = now();
    const id = headers["lambda-runtime-aws-request-id"];
    const event = JSON.parse(body);
    port = new URL(event.ResponseURL).port;
    importing = 0;
    calls = [];
    await handler(event, { awsRequestId: id, logStreamName: "benchmark" });
    const told = { started: Number(process.env.BENCH_STARTED), module: beganWall, imported, handler: begun };
    fs.appendFileSync(
      process.env.BENCH_TIMES,
      JSON.stringify({ ...told, importing, clients: [], calls, paused: 0 }) + "\n",
    );
    await ask(`invocation/${id}/response`, { method: "POST" }, "null");
  }
})();
