// A call with many answers: each is handed on; a connection that breaks, ends early or says nothing more is noticed.

import assert from "node:assert/strict";
import http from "node:http";
import { afterEach, test } from "node:test";

import { spaceHeaders } from "../../magicfixup_demo/web/page/space.js";
import { eventsOf, follow } from "../../magicfixup_demo/web/page/stream.js";
import { strings } from "../../magicfixup_demo/web/page/strings.js";

let server = null;
afterEach(() => server?.closeAllConnections() ?? server?.close());

const said = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** The address of a server that lets `join` answer the first question and `stream` the second one. */
async function serving(stream, join = (response) => response.end('{"event_id": "e1"}')) {
  const asked = [];
  server = http.createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    asked.push(`${request.method} ${request.url} ${body}`.trim());
    await (request.method === "POST" ? join(response) : stream(response));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, asked };
}

/** What `follow` received, and the message that it ended with, if any. */
async function followed(address, silence) {
  const received = [];
  const problem = await follow(address, "fixup", { job: "j" }, (message) => received.push(message), silence).catch((failure) => failure);
  return { received, message: problem?.message };
}

test("answers come in order, cut wherever the network cuts them, and the last one ends it", async () => {
  const text = said("generating", [{ n: 1 }]) + said("heartbeat", null) + said("generating", [{ n: "ü" }]) + said("complete", [{ n: 3 }]);
  const bytes = Buffer.from(text);
  const { address, asked } = await serving(async (response) => {
    for (let at = 0; at < bytes.length; at += 7) {
      response.write(bytes.subarray(at, at + 7));
      await new Promise(setImmediate);
    }
  });
  const { received, message } = await followed(address);
  assert.deepEqual(received, [{ n: 1 }, { n: "ü" }, { n: 3 }]);
  assert.equal(message, undefined);
  assert.deepEqual(asked, ['POST /gradio_api/call/fixup {"data":[{"job":"j"}]}', "GET /gradio_api/call/fixup/e1"]);
});

test("one that breaks in the middle, ends early, falls silent or is refused ends with one sentence", async () => {
  const begin = (response) => response.write(said("generating", [{ n: 1 }]));
  const cases = {
    killed: [(response) => (begin(response), setTimeout(() => response.destroy(), 30))],
    early: [(response) => (begin(response), response.end())],
    silent: [begin],
    mute: [() => {}],
    failed: [(response) => response.end(said("error", null))],
    "not a call": [begin, (response) => ((response.statusCode = 404), response.end("{}"))],
    "no answer": [begin, () => {}],
  };
  for (const [name, [stream, join]] of Object.entries(cases)) {
    const { address } = await serving(stream, join);
    const { message } = await followed(address, 150);
    assert.equal(message, strings.brokeOff, name);
    server.closeAllConnections();
    server.close();
  }
  assert.equal((await followed("http://127.0.0.1:9")).message, strings.brokeOff, "nobody there");
});

test("a full queue says so, and what the server says of a failure is passed on", async () => {
  const full = await serving(null, (response) => ((response.statusCode = 503), response.end('{"detail": "x"}')));
  assert.equal((await followed(full.address)).message, strings.queueFull);
  server.close();
  const failing = await serving((response) => response.end(said("error", "No.")));
  assert.equal((await followed(failing.address)).message, "No.");
});

test("any word keeps it alive, also one that says nothing", async () => {
  const { address } = await serving(async (response) => {
    for (let i = 0; i < 8; i++) {
      response.write(said("heartbeat", null));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    response.end(said("complete", []));
  });
  assert.equal((await followed(address, 250)).message, undefined);
});

test("events without data, and unknown ones, are no trouble", async () => {
  const body = new Blob(["event: x\n\n: comment\n\ndata: 5\n\nhalf"]).stream();
  const events = [];
  for await (const event of eventsOf(body)) events.push(event);
  assert.deepEqual(events, [{ event: "x", data: null }, { event: "", data: null }, { event: "", data: 5 }]);
});

test("a frame of the Hub is asked for headers, and nobody else", async () => {
  const asked = [];
  const parent = {
    postMessage(what, whom, [port]) {
      asked.push([what, whom]);
      port.postMessage({ "x-who": "me" });
    },
  };
  const page = { parent, supports_zerogpu_headers: true, location: { hostname: "a-b.hf.space" } };
  assert.deepEqual(await spaceHeaders(page), { "x-who": "me" });
  assert.deepEqual(asked, [["zerogpu-headers", "https://huggingface.co"]]);
  for (const other of [{ supports_zerogpu_headers: false }, { location: { hostname: "example.org" } }])
    assert.deepEqual(await spaceHeaders({ ...page, ...other }), {});
  const alone = { ...page };
  alone.parent = alone;
  assert.deepEqual(await spaceHeaders(alone), {});
  assert.deepEqual(await spaceHeaders(undefined), {});
  assert.equal(asked.length, 1);
});
