// A queued call whose answers come one by one. Gradio's own way of following one loads the page again as soon as the
// connection breaks, and takes no further calls until then; here the caller is told, and tries again.

import { Problem } from "./api.js";
import { spaceHeaders } from "./space.js";
import { strings } from "./strings.js";

const SILENCE_MS = 45_000; // the server says something every 15 seconds while one waits

/**
 * Call `name` at `address` (the server's, without a slash) with one record and hand each answer to receive(record).
 * Resolves at the last one. Rejects with a Problem when the connection breaks or nothing comes for `silence` milliseconds.
 */
export async function follow(address, name, request, receive, silence = SILENCE_MS) {
  const listening = new Listening(silence);
  try {
    const url = `${address}/gradio_api/call/${name}`;
    const headers = { "Content-Type": "application/json", ...(await spaceHeaders()) };
    const joined = await fetch(url, { method: "POST", headers, body: JSON.stringify({ data: [request] }), signal: listening.signal });
    if (!joined.ok) throw new Problem(joined.status === 503 ? strings.queueFull : strings.brokeOff);
    const { event_id: id } = await joined.json();
    const answers = await fetch(`${url}/${id}`, { signal: listening.signal });
    await receiveAll(eventsOf(answers.body, () => listening.heard()), receive);
  } catch (problem) {
    throw problem instanceof Problem ? problem : new Problem(strings.brokeOff);
  } finally {
    listening.end();
  }
}

async function receiveAll(events, receive) {
  for await (const { event, data } of events) {
    if (event === "error") throw new Problem(typeof data === "string" ? data : strings.brokeOff);
    if (event === "generating" || event === "complete") data.forEach(receive);
    if (event === "complete") return;
  }
  throw new Problem(strings.brokeOff);
}

// Gives up once nothing was heard for long: a connection can die without a word.
class Listening {
  #control = new AbortController();
  #timer = null;

  constructor(silence) {
    this.silence = silence;
    this.heard();
  }

  get signal() {
    return this.#control.signal;
  }

  heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#control.abort(), this.silence);
  }

  end() {
    clearTimeout(this.#timer);
    this.#control.abort(); // a call that ended early is not listened to any more, and the server frees its place
  }
}

/** The events of a text/event-stream body as { event, data }; heard() is called whenever anything comes. */
export async function* eventsOf(body, heard = () => {}) {
  let text = "";
  for await (const piece of piecesOf(body)) {
    heard();
    text += piece;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) yield parsed(block);
  }
}

// A reader, since not every browser lets one loop over a stream.
async function* piecesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function parsed(block) {
  const lines = block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
  const { event = "", data = "null" } = Object.fromEntries(lines);
  return { event, data: JSON.parse(data) };
}
