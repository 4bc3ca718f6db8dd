// The focus is never lost: when the control that has it goes away or is switched off, its neighbour or the picture gets it.

const GROUPS = ".mf-group, .mf-row, .mf-layer";

/** root: the editor's element. Returns a function to call after the page has changed what is shown and what can be pressed. */
export function makeFocusKeeper(root) {
  let held = null; // what has the focus, or had it when it went away; null once the focus was put elsewhere on purpose
  root.addEventListener("focusin", ({ target }) => (held = target));
  root.addEventListener("focusout", ({ target }) => (held = canHold(target) ? null : target));

  return function keepFocus() {
    const { activeElement } = document;
    // Some browsers take the focus away at the next drawing, others as soon as anything asks where things are.
    const control = activeElement === document.body ? held : activeElement;
    if (!control || !root.contains(control) || control.matches("canvas, dialog *") || canHold(control)) return;
    const neighbour = [...(control.closest(GROUPS)?.querySelectorAll("button:enabled") ?? [])].find(isShown);
    const picture = root.dataset.mode === "result" ? '[data-part="compare"]' : '[data-part="canvas"]';
    (neighbour ?? root.querySelector(picture)).focus({ preventScroll: true });
  };
}

const isShown = (element) => element.getClientRects().length > 0;
const canHold = (element) => !element.disabled && isShown(element);
