// On a ZeroGPU Space the page lies in a frame of the Hub, which hands out headers by which the GPU's time counts as the
// visitor's own. Gradio's script has asked before whether it does.

const HUB = "https://huggingface.co";
const PATIENCE_MS = 2000;

/** Headers for a call that may use the GPU; none anywhere else. page: the window. */
export async function spaceHeaders(page = globalThis.window) {
  if (!page?.supports_zerogpu_headers || page.parent === page || !page.location.hostname.endsWith(".hf.space")) return {};
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(resolve, PATIENCE_MS, {});
  });
  page.parent.postMessage("zerogpu-headers", HUB, [port2]);
  const headers = await answer;
  port1.close();
  return headers ?? {};
}
