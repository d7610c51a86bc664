// graphile-worker runs workflows of dependent one-call steps; prints how many a second.
//
// Each job makes one HTTP call and then adds the job of the next step, with the
// helper a task is given for that. The clock runs from before the first jobs are
// added, with the workers up and idle, until the last job is completed in the
// database. The defaults below are the settings that measured best.

import cluster from "node:cluster";
import http from "node:http";
import { parseArgs } from "node:util";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    workflows: { type: "string", default: "1000" },
    steps: { type: "string", default: "11" },
    processes: { type: "string", default: "1" },
    concurrency: { type: "string", default: "100" },
    pool: { type: "string", default: "20" },
    queue: { type: "string", default: "200" },
    refetch: { type: "string", default: "-1" },
    threshold: { type: "string", default: "0" },
    batch: { type: "string", default: "20" },
  },
});
const options = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));

const agent = new http.Agent({ keepAlive: true, maxSockets: options.concurrency });
const quiet = new Logger(() => (level, message) => {
  if (level === "error") console.error(`graphile-worker: ${message}`);
});

/** One HTTP call; resolves to the JSON document of the answer. */
function call(method, path, document) {
  const body = document === undefined ? "" : JSON.stringify(document);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port: options.port, method, path, agent, headers },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
          else resolve(JSON.parse(Buffer.concat(chunks).toString()));
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The task: what a user of graphile-worker would write for such a workflow. */
async function step({ workflow, number }, helpers) {
  await call("POST", `/api/method/step_${number}`, { workflow, step: number });
  if (number < options.steps) {
    await helpers.addJob("step", { workflow, number: number + 1 });
  } else {
    process.send("workflow");
  }
}

async function work() {
  const localQueue = { size: options.queue };
  if (options.refetch >= 0) {
    localQueue.refetchDelay = { durationMs: options.refetch, threshold: options.threshold };
  }
  const preset = {
    worker: {
      concurrentJobs: options.concurrency,
      maxPoolSize: options.pool,
      logger: quiet,
      ...(options.queue > 1 ? { localQueue } : {}),
      completeJobBatchDelay: options.batch,
      failJobBatchDelay: options.batch,
    },
  };
  await run({ preset, taskList: { step }, noHandleSignals: true });
  process.send("ready");
}

/** Resolves when all workers together have sent the message that often. */
function messages(workers, wanted, count) {
  return new Promise((resolve) => {
    let left = count;
    for (const worker of workers) {
      worker.on("message", (message) => {
        if (message === wanted && --left === 0) resolve();
      });
    }
  });
}

/** A job is completed after its task has returned, in a batch: wait until it is. */
async function queueIsEmpty(pool) {
  const text = "SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS busy";
  for (;;) {
    const { rows } = await pool.query(text);
    if (!rows[0].busy) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function measure() {
  const pool = new pg.Pool({ max: 4 });
  const fail = (error) => {
    throw error;
  };
  pool.on("error", fail);
  pool.on("connect", (client) => client.on("error", fail));
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  await utils.migrate();

  const workers = Array.from({ length: options.processes }, () => cluster.fork());
  for (const worker of workers) {
    worker.on("exit", () => {
      console.error("a worker process ended too early");
      process.exit(1);
    });
  }
  await messages(workers, "ready", options.processes);

  const before = (await call("GET", "/_count")).count;
  const finished = messages(workers, "workflow", options.workflows);
  const first = Array.from({ length: options.workflows }, (_, workflow) => ({
    identifier: "step",
    payload: { workflow, number: 1 },
  }));
  const start = process.hrtime.bigint();
  await utils.addJobs(first);
  await finished;
  await queueIsEmpty(pool);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;

  const calls = (await call("GET", "/_count")).count - before;
  if (calls !== options.workflows * options.steps) {
    throw new Error(`${calls} calls arrived instead of ${options.workflows * options.steps}`);
  }
  console.log(`result\tgraphile-worker\t${(options.workflows / seconds).toFixed(1)}\tworkflows/s`);
  process.exit(0);
}

await (cluster.isPrimary ? measure() : work());
