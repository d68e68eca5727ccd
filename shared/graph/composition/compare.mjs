// Asks this gateway and @graphql-hive/gateway the same queries, in front of the same subgraphs:
// node compare.mjs MUSEUM PEER FOLDER, with the built example `museum`, the program `hive-gateway`, and tests/museum.
// Writes FOLDER/answers.json, what the peer answered, and prints where the two differ.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const [museum, peer, folder] = process.argv.slice(2).map((path) => resolve(path));
const supergraph = join(folder, "supergraph.graphql");
const work = mkdtempSync(join(tmpdir(), "museum-"));
const processes = [];

async function ports() {
  const process = spawn(museum, ["serve", supergraph], { stdio: ["ignore", "pipe", "inherit"] });
  processes.push(process);
  const found = {};
  for await (const line of createInterface({ input: process.stdout })) {
    const [name, port] = line.split(" ");
    found[name] = Number(port);
    if (name === "gateway") return found;
  }
  throw new Error("the museum did not start");
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function startPeer(found) {
  const text = readFileSync(supergraph, "utf8").replace(
    /@join__graph\(name: "(\w+)", url: ""\)/g,
    (_, name) => `@join__graph(name: "${name}", url: "http://127.0.0.1:${found[name]}/graphql")`,
  );
  const file = join(work, "supergraph.graphql");
  writeFileSync(file, text);
  const port = await freePort();
  const process = spawn(peer, ["supergraph", file, "--port", String(port), "--host", "127.0.0.1"], {
    cwd: work,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...globalThis.process.env, LOG_LEVEL: "error" },
  });
  processes.push(process);
  for (let tries = 0; tries < 300; tries++) {
    try {
      await ask(port, { query: "{ __typename }" });
      return port;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error("the peer did not start");
}

async function ask(port, { query, variables, operationName }) {
  const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables, operationName }),
  });
  return await answer.json();
}

// The data, and where there are errors: words and codes are each gateway's own.
function compared({ data = null, errors = [] }) {
  const places = [...new Set(errors.map((error) => (error.path ? JSON.stringify(error.path) : "")))].sort();
  return { data, errors: places };
}

try {
  const found = await ports();
  const port = await startPeer(found);
  const corpus = JSON.parse(readFileSync(join(folder, "corpus.json"), "utf8"));
  const answers = {};
  let equal = 0;
  for (const one of corpus) {
    const theirs = await ask(port, one);
    const ours = await ask(found.gateway, one);
    const errors = theirs.errors?.map(({ message, path }) => ({ message: message.slice(0, 200), path }));
    answers[one.name] = { data: theirs.data, errors };
    const [a, b] = [ours, theirs].map((answer) => JSON.stringify(compared(answer)));
    if (a === b) equal++;
    else console.log(`${one.name}\n  ours   ${a}\n  theirs ${b}`);
  }
  console.log(`${equal} of ${corpus.length} answers are equal, the order of their fields among that`);
  writeFileSync(join(folder, "answers.json"), `${JSON.stringify(answers, null, 2)}\n`);
} finally {
  for (const process of processes) process.kill();
  rmSync(work, { recursive: true, force: true });
}
