import assert from "node:assert/strict";
import { test } from "node:test";

import { KEYS, alternatives, commandFor } from "../../magicfixup_demo/web/page/shortcuts.js";
import { strings } from "../../magicfixup_demo/web/page/strings.js";

const event = (keys) => {
  const held = keys.split(/\+(?=.)/);
  const key = held.pop();
  const has = (name) => held.includes(name);
  return { key: key.length === 1 && !has("Shift") ? key.toLowerCase() : key, ctrl: has("Ctrl"), shift: has("Shift"), alt: has("Alt") };
};

test("every entry of the table is reached by its keys, in the tool that it is for", () => {
  for (const entry of KEYS.filter(({ documents }) => !documents)) {
    for (const keys of alternatives(entry.keys)) {
      const found = commandFor(event(keys), entry.when?.[0] ?? "select");
      assert.deepEqual(found, { name: entry.does, args: entry.args ?? [] }, keys);
    }
  }
});

test("every entry of the help sheet has words", () => {
  for (const { does, says, group } of KEYS) {
    assert.ok(strings.doing[says ?? does], `strings.doing["${says ?? does}"]`);
    assert.ok(strings.groups[group], `strings.groups.${group}`);
  }
});

test("shift matters for letters and named keys, not for signs", () => {
  const press = (key, held = {}) => commandFor({ key, ctrl: false, shift: false, alt: false, ...held });
  assert.equal(press("?", { shift: true }).name, "help");
  assert.equal(press("f").name, "flip");
  assert.equal(press("F", { shift: true }).name, "flip-vertical");
  assert.equal(press("Enter", { shift: true }), null);
  assert.equal(press("f", { alt: true }), null);
  assert.equal(press("Tab"), null, "walking through the page stays the browser's");
});
