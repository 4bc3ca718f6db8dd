// Mounts the editor: makes the parts, and connects them. The parts know nothing of each other.

import { Api } from "./api.js";
import { Camera } from "./camera.js";
import { toJson } from "./collage.js";
import { makeCommands } from "./commands.js";
import { Dock } from "./dock.js";
import { Document } from "./document.js";
import { showExamples } from "./examples.js";
import { Fixup } from "./fixup.js";
import { ModelsFollower } from "./following.js";
import { Opening, listenForFiles } from "./opening.js";
import { Pointers } from "./pointer.js";
import { ProgressLine } from "./progress.js";
import { Results } from "./results.js";
import { Selection } from "./selection.js";
import { Settings } from "./settings.js";
import { belongsToControl, commandFor } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { strings } from "./strings.js";
import { Toasts } from "./toasts.js";

/** element, props, server, upload: Gradio's; port: { deliver, fixup } of the bridge in ui/editor.py; root: its address. */
export function mount({ element, props, server, upload, port, root: address }) {
  const root = element.querySelector(".mf");
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const page = { mode: "edit", limits: { fileBytes: Infinity, seed: 2 ** 32 - 1 } };
  const tell = new Toasts(part("toasts")).show;
  const api = new Api(server, upload);
  const doc = new Document();
  const line = new ProgressLine(part("progress"));
  const photo = () => doc.state.photo;

  const selection = new Selection({
    ask: async (prompt) => {
      await photo().ready;
      return (await api.withPhoto(photo(), (token) => api.call("segment", { token, prompt }))).candidates;
    },
    photo,
    tell,
    changed: () => update(),
  });
  const stage = new Stage(part("canvas"), doc, selection);
  const commands = makeCommands({ doc, selection, pointers: () => pointers, tell });
  const leaveOut = root.querySelector('[data-do="leave-out"]');
  const pointers = new Pointers({
    stage,
    doc,
    selection,
    cutOut: commands.takeSelection,
    leaveOut: () => leaveOut.getAttribute("aria-pressed") === "true",
    onHole: () => tell(strings.insideHole, "info"),
    isLocked: () => fixup.running,
  });
  const settings = new Settings(part("settings"), () => page.limits);
  const results = new Results(part("result"), api, tell);
  const fixup = new Fixup({
    api,
    doc,
    send: (request) => {
      props.value = request;
      port.fixup();
    },
    tell,
    show: (fraction, text) => line.show(fraction, text),
    hide: () => line.hide(),
    preview: (url) => stage.preview(url),
    changed: () => update(),
    finished: (result) => {
      results.show(result);
      setMode("result");
      if (result.note) tell(result.note, "info");
    },
  });
  const opening = new Opening({
    api,
    doc,
    selection,
    show: (fraction, text) => line.show(fraction, text),
    hide: () => line.hide(),
    tell,
    opened: () => setMode("edit"),
    limits: () => page.limits,
  });
  const dock = new Dock(root, { doc, selection, fixup, results, mode: () => (photo() ? page.mode : "empty") });
  const unlessRunning = (open) => (what) => (fixup.running ? tell(strings.stopFirst, "info") : open(what));
  const take = unlessRunning((file) => opening.file(file));
  const takeExample = unlessRunning((example) => opening.example(example));
  const camera = new Camera(part("camera"), take, tell);

  function update() {
    if (!selection.active) leaveOut.setAttribute("aria-pressed", "false");
    dock.update();
    stage.refresh();
  }

  function setMode(mode) {
    page.mode = mode;
    pointers.cancel();
    update();
  }

  function startFixup() {
    const options = settings.read();
    if (options.problem) return tell(options.problem);
    pointers.cancel();
    doc.choose(null);
    selection.clear();
    fixup.run(options);
    const { missing } = settings.models;
    if (!fixup.running || !missing.length) return;
    tell(strings.downloading(missing), "info");
    follower.follow();
  }

  const actions = {
    ...commands,
    "cut-out": commands.cutOut,
    open: () => part("file").click(),
    camera: () => camera.open(),
    fixup: startFixup,
    stop: () => fixup.stop(),
    edit: () => setMode("edit"),
    "show-result": () => setMode("result"),
    download: () => results.download(),
    "download-other": () => results.download("other"),
    "another-seed": () => (settings.dice(), startFixup()),
    "leave-out": () => leaveOut.setAttribute("aria-pressed", String(leaveOut.getAttribute("aria-pressed") !== "true")),
    undo: () => (setMode("edit"), commands.undo()),
    redo: () => (setMode("edit"), commands.redo()),
  };

  root.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name in actions) actions[name]();
  });
  window.addEventListener("keydown", (event) => {
    if (belongsToControl(event)) return;
    const command = commandFor({ key: event.key, ctrl: event.ctrlKey || event.metaKey, shift: event.shiftKey, alt: event.altKey });
    if (!command || fixup.running) return;
    if (page.mode === "result" && command.name === "escape") return setMode("edit");
    if (page.mode === "result" && !["undo", "redo", "fixup"].includes(command.name)) return;
    if (actions[command.name](...command.args) !== false) event.preventDefault();
  });
  listenForFiles(root, part("file"), take, tell);
  doc.onChange(update);

  const note = (text) => {
    part("note").textContent = text;
    part("note").hidden = !text;
  };
  const follower = new ModelsFollower(api, settings, note, () => fixup.running);
  follower.follow();
  part("settings").addEventListener("toggle", () => follower.follow());
  port.deliver = (message) => {
    if (message?.kind !== "welcome") return message && fixup.receive(message);
    api.visit = message.visit;
    page.limits = message.limits;
    showExamples(root.querySelectorAll("[data-examples]"), message.examples, address, takeExample);
  };
  // For scripts and tests: the arrangement as JSON, and how the photo lies on the canvas.
  root.magicfixup = { collage: () => photo() && toJson(doc.state), view: () => stage.view };
  root.dataset.mounted = "true";
  update();
}
