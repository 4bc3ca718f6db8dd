// What all dialogs of the page have in common: they open over it, a press beside them closes them, the focus returns.

/** Open a modal dialog; resolves to what closed it: the value of a button that has one, or "". */
export function ask(dialog) {
  if (dialog.open) return Promise.resolve("");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** Buttons with a value close the dialog with it; so does a press beside it, with none. Call once. */
export function closing(dialog) {
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button[value]");
    if (button) dialog.close(button.value);
    else if (event.target === dialog && isOutside(dialog, event)) dialog.close("");
  });
}

function isOutside(dialog, { clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
