// Reads files that people deploy by, and writes what is in them as one JSON object: for each file its content, and for
// Terraform's whether it is formatted as `terraform fmt` formats. What cannot be read has an `error`.
//
//   node read.mjs FILE…
//
// Parser and formatter of Terraform's language are HashiCorp's own, compiled from Go.

import { readFileSync } from "node:fs";
import { format } from "@cdktf/hcl-tools";
import { parse as parseHcl } from "@cdktf/hcl2json";
import { parseAllDocuments } from "yaml";

async function read(file) {
  const text = readFileSync(file, "utf8");
  if (file.endsWith(".tf")) {
    return { content: await parseHcl(file, text), formatted: (await format(text)) === text };
  }
  const [document, ...more] = parseAllDocuments(text);
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0 || more.length > 0) throw mistakes[0] ?? new Error("more than one document");
  return { content: document.toJS() };
}

const all = {};
for (const file of process.argv.slice(2)) {
  all[file] = await read(file).catch((error) => ({ error: String(error?.message ?? error) }));
}
process.stdout.write(JSON.stringify(all));
