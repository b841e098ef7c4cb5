// Writes down which arguments the Google provider's resources take and what they tell, as far as ../terraform uses them:
// google.json.
//
//   npm run schema
//
// The provider itself is not needed: HashiCorp's TypeScript bindings, which were made from its schema, name everything.
// They take 30 MB, so what they say is kept in the repository and read by the tests; run it again when the version in
// ../terraform/versions.tf changes or a resource is added.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";

// The last bindings that were published; README.md in them names the provider's version.
const BINDINGS = "@cdktf/provider-google@16.12.1";
const here = import.meta.dirname;
const terraform = join(here, "../terraform");

async function used() {
  const kinds = new Set();
  for (const file of readdirSync(terraform).filter((name) => name.endsWith(".tf"))) {
    const { resource = {}, data = {} } = await parse(file, readFileSync(join(terraform, file), "utf8"));
    Object.keys(resource).forEach((kind) => kinds.add(kind));
    Object.keys(data).forEach((kind) => kinds.add(`data.${kind}`));
  }
  return [...kinds].filter((kind) => kind.includes("google_")).sort();
}

// Gives the interfaces of one file by name: each argument with its name in Terraform, whether it must be there, its type.
function interfaces(text) {
  const found = {};
  for (const [, name, body] of text.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms)) {
    const argument = /\{@link \S+#(\w+) [^}]*\}\s*\*\/\s*readonly \w+(\??): ([^;]+);/g;
    found[name] = [...body.matchAll(argument)].map(([, name, optional, type]) => ({ name, optional: !!optional, type }));
  }
  return found;
}

function schema(all, name) {
  const described = {};
  for (const { name: argument, optional, type } of all[name]) {
    const inner = type.replace(/\[\]| \| cdktf\.IResolvable/g, "");
    described[argument] = { required: !optional };
    if (all[inner]) described[argument].block = schema(all, inner);
  }
  return described;
}

// Gives what a resource tells once it is made: its class has a getter for each.
function told(text) {
  const [, body] = text.match(/^export declare class \w+ extends cdktf\.Terraform(?:Resource|DataSource) \{\n(.*?)^\}/ms);
  const getters = [...body.matchAll(/^ {4}get (\w+)\(\)/gm)].map(([, name]) => name);
  const own = getters.filter((name) => !name.endsWith("Input"));
  return own.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).sort();
}

const folder = mkdtempSync(join(tmpdir(), "cnc-schema-"));
try {
  const packed = execFileSync("npm", ["pack", "--silent", BINDINGS], { cwd: folder, encoding: "utf8" }).trim();
  execFileSync("tar", ["xzf", packed], { cwd: folder });
  const read = (path) => readFileSync(join(folder, "package", path), "utf8");
  const version = read("README.md").match(/hashicorp\/google provider version (\S+)/)[1];
  const kinds = {};
  for (const kind of await used()) {
    const place = kind.replace("data.google", "data-google").replace(/^google_/, "").replaceAll("_", "-");
    const text = read(`lib/${place}/index.d.ts`);
    const config = text.match(/^export interface (\w+) extends cdktf\.TerraformMetaArguments/m)[1];
    kinds[kind] = { arguments: schema(interfaces(text), config), told: told(text) };
  }
  writeFileSync(join(here, "google.json"), `${JSON.stringify({ version, kinds }, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
