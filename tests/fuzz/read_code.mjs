// Reads codes of links, one JSON text a line, and says of each what became of it: taken, refused, or what went wrong.

import { createInterface } from "node:readline";

import { decodeEdit, encodeEdit } from "../../magicfixup_demo/web/share/code.js";

for await (const line of createInterface({ input: process.stdin })) console.log(await outcome(JSON.parse(line)));

async function outcome(code) {
  try {
    const { options, ...edit } = await decodeEdit(code);
    const again = await decodeEdit(await encodeEdit(edit, options));
    if (JSON.stringify(again) !== JSON.stringify({ ...edit, options })) return "what is written is read differently";
    return "taken";
  } catch (error) {
    return error instanceof RangeError ? "refused" : String(error).replaceAll("\n", " ");
  }
}
