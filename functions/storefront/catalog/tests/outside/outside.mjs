// The catalog over gRPC as `@grpc/grpc-js` calls it (`call ADDRESSES`) and serves it (`serve`); outside.py runs both.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const PROTO = fileURLToPath(new URL("../../../catalog-proto/proto/catalog.proto", import.meta.url));
// 64-bit numbers as text, as a number of JavaScript does not hold them.
const { catalog } = grpc.loadPackageDefinition(loader.loadSync(PROTO, { longs: String, defaults: true }));
const { status } = grpc;

function isSo(what, seen, wanted) {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    console.error(`${what}: ${JSON.stringify(seen)}, and not ${JSON.stringify(wanted)}`);
    process.exit(1);
  }
  console.log(`  ${what}`);
}

// ---------------------------------------------------------------- a client

function client(address, token) {
  const limits = { "grpc.max_send_message_length": -1 };
  const calls = new catalog.CatalogService(address, grpc.credentials.createInsecure(), limits);
  const metadata = new grpc.Metadata();
  if (token) metadata.set("authorization", `Bearer ${token}`);
  const unary = (method, request, seconds = 10) =>
    new Promise((resolve) => {
      const deadline = new Date(Date.now() + seconds * 1000);
      calls[method](request, metadata, { deadline }, (error, answer) => resolve({ error, answer }));
    });
  return { calls, metadata, unary, product: (sku, seconds) => unary("GetProduct", { sku }, seconds) };
}

async function call(addresses) {
  const ours = client(addresses.open);
  const { answer: teapot } = await ours.product("TEAPOT");
  isSo("a product", [teapot.sku, teapot.stock, teapot.available, teapot.price.minorUnits], ["TEAPOT", "7", true, "1250"]);
  const { error: unknown } = await ours.product("KETTLE");
  isSo("NOT_FOUND", unknown.code, status.NOT_FOUND);
  const [details] = unknown.metadata.get("grpc-status-details-bin");
  isSo("its reason in the details", details.includes("unknownProduct"), true);
  isSo("INVALID_ARGUMENT", (await ours.product("")).error.code, status.INVALID_ARGUMENT);
  const { answer: batch } = await ours.unary("BatchGetProducts", { skus: ["P-001", "NONE", "P-000"] });
  isSo("a batch", [batch.products.map((it) => it.sku), batch.unknownSkus], [["P-001", "P-000"], ["NONE"]]);
  const listed = [];
  for await (const product of ours.calls.ListProducts({ category: "tea" })) listed.push(product.sku);
  isSo("a stream over three pages", [listed.length, listed[0], listed[119]], [120, "P-000", "P-119"]);
  const givenUp = ours.calls.ListProducts({ category: "tea" });
  const ended = new Promise((resolve) => givenUp.on("error", resolve));
  givenUp.once("data", () => givenUp.cancel());
  isSo("a stream that is cancelled", (await ended).code, status.CANCELLED);
  isSo("DEADLINE_EXCEEDED", (await ours.product("SLOW", 0.2)).error.code, status.DEADLINE_EXCEEDED);
  isSo("RESOURCE_EXHAUSTED", (await ours.product("x".repeat(4 << 20))).error.code, status.RESOURCE_EXHAUSTED);
  isSo("still there", (await ours.product("TEAPOT")).answer.stock, "7");
  isSo("UNAUTHENTICATED", (await client(addresses.guarded).product("TEAPOT")).error.code, status.UNAUTHENTICATED);
  const known = client(addresses.guarded, addresses.token);
  isSo("with a token", (await known.product("TEAPOT")).answer.stock, "7");
  process.exit(0);
}

// ---------------------------------------------------------------- a server

const STOCK = "9007199254740993";

function getProduct(call, answer) {
  const { sku } = call.request;
  const told = (name) => call.metadata.get(name)[0];
  const refuse = (code) => answer({ code, details: "as it was asked for" });
  switch (sku) {
    case "TEAPOT":
      return answer(null, { sku, stock: STOCK, available: true, price: { minorUnits: 1250, currency: "EUR" } });
    case "NONE":
      return refuse(status.NOT_FOUND);
    case "DENIED":
      return refuse(status.PERMISSION_DENIED);
    case "FLAKY":
      return told("x-retry-attempt") === "1" ? refuse(status.UNAVAILABLE) : answer(null, { sku: told("x-retry-attempt") });
    case "ECHO": {
      const remaining = new Date(call.getDeadline()).getTime() - Date.now();
      const description = told("authorization").split(" ")[0];
      return answer(null, { sku: told("x-correlation-id"), description, available: 0 < remaining && remaining <= 2100 });
    }
    case "LARGE":
      return answer(null, { description: "x".repeat(5 << 20) });
    case "SLOW":
      call.on("cancelled", () => console.log("cancelled"));
      return undefined;
    default:
      return answer(null, {});
  }
}

function batchGetProducts(call, answer) {
  const products = call.request.skus.filter((sku) => sku !== "NONE").map((sku) => ({ sku }));
  answer(null, { products, unknownSkus: ["NONE"] });
}

function listProducts(call) {
  call.write({ sku: "A" });
  if (call.request.category === "broken") {
    call.emit("error", { code: status.ABORTED, details: "it breaks here" });
    return;
  }
  call.write({ sku: "B" });
  call.write({ sku: "C" });
  call.end();
}

function serve() {
  const server = new grpc.Server({ "grpc.max_send_message_length": -1 });
  server.addService(catalog.CatalogService.service, { getProduct, batchGetProducts, listProducts });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(`127.0.0.1:${port}`);
  });
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

const [what, addresses] = process.argv.slice(2);
if (what === "call") await call(JSON.parse(addresses));
else serve();
