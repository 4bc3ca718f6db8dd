// Calls over a line that can be dead, slow or new: each ends, and a photo that the server has forgotten is sent again.

import assert from "node:assert/strict";
import http from "node:http";
import { afterEach, test } from "node:test";

import { Api } from "../../magicfixup_demo/web/page/api.js";
import { Line } from "../../magicfixup_demo/web/page/line.js";
import { strings } from "../../magicfixup_demo/web/page/strings.js";

const QUICK = { pauseMs: 20, answerMs: 40 };
const never = () => new Promise(() => {});
let server = null;
afterEach(() => (server?.closeAllConnections(), server?.close(), (server = null)));

/** A server's address; answer(path, response, body) answers. */
async function serving(answer) {
  server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString("latin1");
    answer(request.url.replace("/gradio_api/", ""), response, body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

test("a call to a dead or stopped server ends with a sentence, one to a slow one with its answer", async () => {
  const stopped = await serving(never);
  for (const address of [stopped, "http://127.0.0.1:9"]) {
    const api = new Api({ status: never }, new Line(address, QUICK));
    await assert.rejects(api.call("status", {}), { message: strings.noAnswer });
  }
  server.closeAllConnections();
  server.close();
  const alive = await serving((path, response) => response.end("{}"));
  const slow = () => new Promise((resolve) => setTimeout(resolve, 400, { ok: true }));
  assert.deepEqual(await new Api({ status: slow }, new Line(alive, QUICK)).call("status", {}), { ok: true });
});

test("what the page's own bridge makes of a lost connection is no answer either", async () => {
  const line = new Line("http://127.0.0.1:9", QUICK);
  for (const fails of [async () => undefined, () => Promise.reject(new Error("x"))])
    await assert.rejects(new Api({ save: fails }, line).call("save", {}), { message: strings.noAnswer });
  await assert.rejects(new Api({}, line).openFile(new File(["x"], "a.jpg")), { message: strings.noAnswer });
});

test("a server that does not take a file says why", async () => {
  const answers = [JSON.stringify({ detail: "The server's disk is full." }), "Internal Server Error"];
  const address = await serving((path, response) => (response.writeHead(507), response.end(answers.shift())));
  const api = new Api({}, new Line(address, QUICK));
  for (const message of ["The server's disk is full.", strings.noAnswer])
    await assert.rejects(api.openFile(new File(["x"], "a.jpg")), { message });
});

test("a file is sent as it is, and the handler told where it lies", async () => {
  const address = await serving((path, response, body) => response.end(JSON.stringify([`/tmp/${path}/${body.includes("some bytes")}/${body.includes("kätze.jpg")}`])));
  const asked = [];
  const api = new Api({ open_upload: async (record) => (asked.push(record), { token: "t" }) }, new Line(address, QUICK));
  api.visit = "v";
  await api.openFile(new File(["some bytes"], "k.jpg"), ["other"], 2);
  assert.deepEqual(asked, [{ path: "/tmp/upload/true/false", name: "k.jpg", visit: "v", known: ["other"], rounds: 2 }]);
});

test("a forgotten photo is sent again under a visit that the server knows; all that wait begin one together", async () => {
  const begun = [];
  const address = await serving((path, response, body) => {
    if (path.startsWith("heartbeat")) return response.write("data: ALIVE\n\n");
    begun.push(JSON.parse(body).session_hash);
    response.end(JSON.stringify({ data: [{ visit: `v${begun.length}` }] }));
  });
  let visit = "old";
  const api = new Api(
    {
      visiting: async (record) => ({ known: record.visit === "v1" }),
      status: async ({ token }) => (token === "new" ? { photo: { ready: true } } : { error: "gone", gone: true }),
    },
    new Line(address, QUICK),
  );
  api.visit = visit;
  const photo = () => ({ token: "old", reopen: async () => ((visit = api.visit), { token: "new" }) });
  const photos = [photo(), photo()];
  await Promise.all(photos.map((each) => api.holdAll([each])));
  assert.deepEqual(photos.map(({ token }) => token), ["new", "new"]);
  assert.equal(visit, "v1");
  assert.equal(begun.length, 1);
  assert.ok(begun[0].length >= 12, "not to be guessed");
  await api.holdAll([photo()]);
  assert.equal(begun.length, 1, "it goes on");
});
