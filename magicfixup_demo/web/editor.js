// Mounts the editor: makes the parts, and connects them. The parts know nothing of each other.

import { Api } from "./page/api.js";
import { makeAround } from "./page/around.js";
import { Camera } from "./photos/camera.js";
import { toJson } from "./model/collage.js";
import { holeNote } from "./arrange/hole_note.js";
import { makeCommands } from "./arrange/commands.js";
import { Drafts } from "./drafts/drafts.js";
import { Dock } from "./page/dock.js";
import { Document } from "./model/document.js";
import { showExamples } from "./photos/examples.js";
import { Sources } from "./photos/sources.js";
import { Fixup } from "./results/fixup.js";
import { Plates } from "./live/plates.js";
import { Preparing } from "./live/preparing.js";
import { ModelsFollower } from "./settings/following.js";
import { Releasing, photosOf } from "./photos/releasing.js";
import { Opening, listenForFiles } from "./photos/opening.js";
import { askBeforeLeaving, wouldBeLost } from "./page/leaving.js";
import { Line } from "./page/line.js";
import { Links } from "./share/links.js";
import { Saving, restoreWork } from "./share/saving.js";
import { Pointers } from "./arrange/pointer.js";
import { ProgressLine } from "./page/progress.js";
import { ResultDesk } from "./results/desk.js";
import { makeSelecting } from "./select/selecting.js";
import { Settings } from "./settings/settings.js";
import { belongsToControl, commandFor } from "./page/shortcuts.js";
import { Stage } from "./canvas/stage.js";
import { follow } from "./page/stream.js";
import { strings } from "./page/strings.js";
import { Toasts } from "./page/toasts.js";
import { ViewControls } from "./arrange/view_controls.js";

/** element, server: Gradio's; port: { deliver } of the bridge in ui/editor.py; root: its address. */
export function mount({ element, server, port, root: address }) {
  const root = element.querySelector(".mf");
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const page = { mode: "edit", limits: { fileBytes: Infinity, savedBytes: Infinity, seed: 2 ** 32 - 1 } };
  const toasts = new Toasts(part("toasts"));
  const tell = toasts.show;
  const api = new Api(server, new Line(address));
  const doc = new Document();
  const line = new ProgressLine(part("progress"));
  const photo = () => doc.state.photo;

  const stage = new Stage(part("canvas"), doc, new Plates());
  const selecting = makeSelecting({
    ...{ root, api, doc, stage, tell },
    pointers: () => pointers,
    sources: () => sources,
    changed: () => update(),
  });
  const { selection } = selecting;
  const sources = new Sources({
    ...{ api, doc, stage, tell, banner: part("source-banner"), limits: () => page.limits },
    ...{ show: (fraction, text) => line.show(fraction, text), hide: () => line.hide() },
    entering: () => (setMode("edit"), selection.clear(), doc.choose(null)),
    selection,
    changed: () => update(),
  });
  const commands = makeCommands({ doc, selection, pointers: () => pointers, sources, tell, finished: selecting.finished, cut: selecting.cut });
  const pointers = new Pointers({
    stage,
    doc,
    selection,
    tools: selecting.tools,
    cutOut: commands.takeSelection,
    leaveOut: selecting.leaveOut,
    onHole: (at) => tell(holeNote(doc.state, at), "info"),
    isLocked: () => fixup.running,
  });
  const viewControls = new ViewControls(root, stage, () => pointers.transforming.handles(stage.pointerType), () => update());
  const settings = new Settings(part("settings"), () => page.limits);
  const fixup = new Fixup({
    api,
    doc,
    send: (request) => follow(address, "page_fixup", request, (message) => fixup.receive(message)).catch((problem) => broken(request, problem)),
    tell,
    show: (fraction, text) => line.show(fraction, text),
    hide: () => line.hide(),
    preview: (url) => stage.preview(url),
    changed: () => update(),
    finished: (result) => (desk.finished(result), drafts.changed()),
    ended: () => desk.ended(),
  });
  const preparing = new Preparing({
    ...{ api, doc, plates: stage.plates, outline: selecting.outline },
    send: (request, receive) => follow(address, "page_plate", request, receive),
    seed: () => settings.read().seed ?? 0,
    ready: () => Boolean(photo()) && page.mode === "edit" && !fixup.running,
    changed: () => (around.update(), stage.refresh()),
  });
  const opening = new Opening({
    api,
    doc,
    selection,
    show: (fraction, text) => line.show(fraction, text),
    hide: () => line.hide(),
    tell,
    opened: (record, state) => (sources.leave(), setMode("edit"), restoreWork(record, state, { settings, desk, tell })),
    limits: () => page.limits,
  });
  const toolHint = (group) => selecting.toolHint(group) ?? (group === "layer" && pointers.transforming.distorting ? "hintDistort" : null);
  const dock = new Dock(root, { doc, selection, sources, fixup, mode: () => (photo() ? page.mode : "empty"), toolHint });
  const desk = new ResultDesk({ root, doc, api, settings, opening, tell, mode: () => page.mode, setMode, run: startFixup });
  const around = makeAround(root, { doc, selection, commands, sources, stage, pointers, fixup, mode: () => page.mode });
  const shareButton = root.querySelector('[data-do="share"]');
  const links = new Links({ dialog: part("link"), button: shareButton, api, doc, opening, settings, tell });
  const saveButton = root.querySelector('.mf-top [data-do="save"]');
  const saving = new Saving({ dialog: part("saving"), button: saveButton, api, doc, settings, view: () => desk.view, mode: () => page.mode, tell });
  const drafts = new Drafts({
    ...{ offer: part("draft"), api, doc, opening, settings, links, tell },
    results: () => desk.history.entries.filter(({ state }) => state.photo === photo()).length,
  });
  const unlessRunning = (open) => (what) => (fixup.running ? tell(strings.stopFirst, "info") : (toasts.clearErrors(), open(what)));
  const take = unlessRunning(async (file) => {
    const purpose = opening.waiting ? "photo" : await around.whatFor(file);
    if (purpose) (purpose === "objects" ? sources : opening).file(file);
  });
  const takeExample = unlessRunning((example) => opening.example(example));
  const camera = new Camera(part("camera"), take, tell);

  function update() {
    selecting.update();
    dock.update();
    desk.update();
    around.update();
    links.update();
    saving.update();
    preparing.update();
    stage.refresh();
  }

  function setMode(mode) {
    page.mode = mode;
    pointers.cancel();
    update();
  }

  function broken({ job }, { message }) {
    fixup.receive({ job, kind: "error", message });
    api.call("stop", { job }).catch(() => {}); // where only the stream broke; else the server has noticed
  }

  function startFixup() {
    const options = settings.read();
    if (options.problem) return tell(options.problem);
    commands.finish();
    if (fixup.running || fixup.problem) return fixup.running || tell(fixup.problem, "info");
    pointers.cancel();
    sources.leave();
    selection.clear();
    doc.choose(null);
    desk.begin();
    fixup.run(options);
    const { missing } = settings.models;
    if (!fixup.running || !missing.length) return;
    tell(strings.downloading(missing), "info");
    follower.follow();
  }

  const actions = {
    ...commands,
    ...around.actions,
    ...selecting.actions,
    ...viewControls.actions,
    distort: () => pointers.transforming.toggleDistort(),
    "cut-out": commands.cutOut,
    open: () => part("file").click(),
    camera: () => camera.open(),
    fixup: startFixup,
    stop: () => fixup.stop(),
    edit: () => setMode("edit"),
    ...desk.actions,
    ...saving.actions,
    save: () => (commands.finish(), saving.open()),
    share: () => (commands.finish(), links.share()),
    undo: () => (setMode("edit"), commands.undo()),
    redo: () => (setMode("edit"), commands.redo()),
  };

  root.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name in actions) actions[name]();
  });
  window.addEventListener("keydown", (event) => {
    if (belongsToControl(event)) return;
    const command = commandFor({ key: event.key, ctrl: event.ctrlKey || event.metaKey, shift: event.shiftKey, alt: event.altKey }, selecting.tools.active);
    if (!command || fixup.running) return;
    if (page.mode === "result" && command.name === "escape") return setMode("edit");
    if (page.mode === "result" && !["undo", "redo", "fixup", "save", "help"].includes(command.name)) return;
    if (command.name in actions && actions[command.name](...command.args) !== false) event.preventDefault();
  });
  askBeforeLeaving(() => fixup.running || (wouldBeLost(doc, saving.kept) && !drafts.holds(doc.settled)));
  listenForFiles(root, part("file"), take, tell);
  const kept = () => photosOf([...doc.states, ...desk.history.entries.map(({ state }) => state)]);
  const releasing = new Releasing(() => [...kept(), ...sources.known, stage.source].filter(Boolean));
  doc.onChange(() => (update(), drafts.changed(), doc.drafting || fixup.running || releasing.update()));
  part("settings").addEventListener("input", () => drafts.changed());

  const note = (text) => {
    part("note").textContent = text;
    part("note").hidden = !text;
  };
  const follower = new ModelsFollower(api, settings, note, () => fixup.running);
  follower.follow();
  part("settings").addEventListener("toggle", () => follower.follow());
  port.deliver = (message) => {
    if (message?.kind !== "welcome") return;
    api.visit = message.visit;
    page.limits = message.limits;
    showExamples(root.querySelectorAll("[data-examples]"), message.examples, address, takeExample);
    drafts.begin().then((back) => back || links.openAddress());
  };
  // For scripts and tests: the arrangement as JSON, whether the browser keeps it, how the photo lies on the canvas, and how
  // many of the places that objects left are holes.
  const isKept = () => drafts.holds(doc.settled);
  root.magicfixup = { collage: () => photo() && toJson(doc.state), isKept, view: () => stage.view, selection: selecting.report, holes: preparing.report };
  root.dataset.mounted = "true";
  update();
}
