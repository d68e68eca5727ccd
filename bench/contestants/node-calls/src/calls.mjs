// Carries out tasks that arrive as lines of JSON on standard input; answers each with one line.

import { createInterface } from "node:readline";

import { importJWK, jwtVerify } from "jose";
import CircuitBreaker from "opossum";
import { Agent, interceptors } from "undici";

// What its documentation shows: three attempts, exponential backoff, a cache in memory.
const retrying = interceptors.retry({ maxRetries: 2, minTimeout: 1000, maxTimeout: 10000, timeoutFactor: 2 });
const clients = {
  plain: new Agent(),
  retry: new Agent().compose(retrying),
  "retry and cache": new Agent().compose(retrying, interceptors.cache()),
};

async function get(client, url) {
  const address = new URL(url);
  const answer = await clients[client].request({
    origin: address.origin,
    path: address.pathname,
    method: "GET",
    headers: { accept: "application/json" },
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  return JSON.parse(text);
}

async function timed(times, once) {
  const ns = [];
  for (let at = 0; at < times; at += 1) {
    const start = process.hrtime.bigint();
    await once(at);
    ns.push(Number(process.hrtime.bigint() - start));
  }
  return { ns };
}

const tasks = {
  async gets({ client, url, times }) {
    return timed(times, () => get(client, url));
  },

  async breaker({ times }) {
    const breaker = new CircuitBreaker(async () => 1, { timeout: false });
    // One clock reading for all: a decision is shorter than reading the clock.
    const start = process.hrtime.bigint();
    for (let at = 0; at < times; at += 1) await breaker.fire();
    const took = Number(process.hrtime.bigint() - start);
    breaker.shutdown();
    return { nsEach: took / times };
  },

  async tokens({ tokens, key, algorithm, issuer, audience }) {
    const imported = await importJWK(key, algorithm);
    const options = { algorithms: [algorithm], issuer, audience, typ: "at+jwt" };
    return timed(tokens.length, (at) => jwtVerify(tokens[at], imported, options));
  },

  async load({ client, url, perSecond, seconds }) {
    const began = Date.now();
    const outcomes = [];
    const total = perSecond * seconds;
    for (let at = 0; at < total; at += 1) {
      const due = began + (at * 1000) / perSecond;
      const early = due - Date.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const atMs = Date.now() - began;
      outcomes.push(
        get(client, url).then(
          () => ({ atMs, ok: true, endMs: Date.now() - began }),
          () => ({ atMs, ok: false, endMs: Date.now() - began }),
        ),
      );
    }
    return { outcomes: await Promise.all(outcomes) };
  },
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { task, ...options } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(await tasks[task](options))}\n`);
  }
}

main();
