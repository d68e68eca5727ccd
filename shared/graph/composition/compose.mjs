// Composes a supergraph: node compose.mjs FOLDER. Each FOLDER/NAME.graphql is the schema of the subgraph NAME; the result
// is FOLDER/supergraph.graphql. Addresses are left empty: where a subgraph is, the gateway's settings say.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeServices, compositionHasErrors } from "@theguild/federation-composition";
import { parse } from "graphql";

const folder = process.argv[2];
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".graphql") && file !== "supergraph.graphql")
  .map((file) => file.slice(0, -".graphql".length))
  .sort();
const result = composeServices(
  names.map((name) => ({ name, url: "", typeDefs: parse(readFileSync(join(folder, `${name}.graphql`), "utf8")) })),
);
if (compositionHasErrors(result)) {
  for (const error of result.errors) console.error(`${error.extensions?.code ?? "ERROR"}: ${error.message}`);
  process.exit(1);
}
writeFileSync(join(folder, "supergraph.graphql"), `${result.supergraphSdl.trim()}\n`);
