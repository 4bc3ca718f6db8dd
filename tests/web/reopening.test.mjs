// Photos that came together come again together: the server keeps few of a visit.

import assert from "node:assert/strict";
import test from "node:test";

import { reopening } from "../../magicfixup_demo/web/photos/reopening.js";

function server() {
  let count = 0;
  const fetchRecord = async () => {
    count += 1;
    return { token: `main${count}`, sources: ["a", "b"].map((id) => ({ id, token: `${id}${count}` })) };
  };
  return { fetchRecord, count: () => count };
}

test("one answer serves the photo and all second photos", async () => {
  const { fetchRecord, count } = server();
  const again = reopening(fetchRecord);
  const tokens = [];
  for (const id of ["", "a", "b"]) tokens.push((await again(id)()).token);
  assert.deepEqual(tokens, ["main1", "a1", "b1"]);
  assert.equal(count(), 1);
});

test("who comes a second time gets a new answer, and the others take theirs from that", async () => {
  const again = reopening(server().fetchRecord);
  await again("")();
  await again("a")();
  assert.equal((await again("a")()).token, "a2");
  assert.equal((await again("")()).token, "main2");
});

test("after a failure it is tried anew", async () => {
  const { fetchRecord } = server();
  let fails = true;
  const again = reopening(() => (fails ? Promise.reject(new Error("away")) : fetchRecord()));
  await assert.rejects(again("")(), /away/);
  fails = false;
  assert.equal((await again("a")()).token, "a1");
});
