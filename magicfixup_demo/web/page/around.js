// Puts together what stands around the canvas: layers, help, hints, and the questions about a second photo.

import { makeFocusKeeper } from "./focus.js";
import { Help } from "./help.js";
import { Hints } from "./hints.js";
import { Crosshair } from "../select/crosshair.js";
import { LayersPanel } from "../arrange/layers.js";
import { WhichPhoto } from "../photos/which.js";
import { isSaved } from "../share/sniff.js";

/**
 * root: the editor's element; parts of editor.js: doc, selection, commands, sources, stage, pointers, fixup, mode(). Returns
 * { actions, update(), whatFor(file) }; the answer to the last is "photo", "objects" or "".
 */
export function makeAround(root, { doc, selection, commands, sources, stage, pointers, fixup, mode }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const layers = new LayersPanel(root, { doc, commands, able: () => !fixup.running, shadowOf: stage.plates.shadowOf });
  const help = new Help(part("help"));
  const hints = new Hints(part("first-run"), { doc, selection, isFixing: () => fixup.running });
  const input = part("source-file");
  const which = new WhichPhoto({ dialog: part("which-photo"), known: part("known-photos"), input, sources });
  const keepFocus = makeFocusKeeper(root);
  const crosshair = new Crosshair({
    ...{ stage, doc, selection, choose: commands.choose },
    click: (at, event) => pointers.pressing.click(at, event),
    ready: () => Boolean(doc.state.photo) && mode() === "edit" && !fixup.running,
  });
  return {
    actions: {
      layers: () => layers.toggle(),
      nudge: (dx, dy) => commands.nudge(dx, dy) || crosshair.move(dx, dy),
      cutOut: () => commands.cutOut() || (!selection.active && crosshair.press()),
      "point-here": () => crosshair.press(),
      "point-out": () => crosshair.press(false),
      escape: () => layers.escape() || commands.escape(),
      rename: layers.rename,
      help: () => help.open(),
      "hide-hints": () => hints.dismiss(),
      "leave-source": () => sources.leave(),
      "add-from-photo": () => Boolean(doc.state.photo && !fixup.running) && (which.add(), true),
    },
    whatFor: async (file) => (doc.state.photo && !(await isSaved(file)) ? which.ask(file) : "photo"),
    update() {
      layers.update();
      sources.update();
      hints.update(mode() === "edit" && !sources.current);
      keepFocus();
    },
  };
}
