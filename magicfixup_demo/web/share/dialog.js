// The dialog "Share a link": what a link means, for how long, the link itself, and those that this browser has made.

import { ask, closing } from "../page/dialogs.js";
import { strings } from "../page/strings.js";

export class LinkDialog {
  /** make(days) and remove(link) are asked for on a press; mine: MyLinks. */
  constructor(dialog, { mine, make, remove }) {
    Object.assign(this, { dialog, mine, make, remove });
    const part = (name) => dialog.querySelector(`[data-link="${name}"]`);
    const names = ["what", "ask", "days", "where", "made", "copy", "ends", "note", "mine"];
    this.parts = Object.fromEntries(names.map((name) => [name, part(name)]));
    this.address = dialog.querySelector("#mf-link-address");
    closing(dialog);
    this.parts.ask.addEventListener("submit", (event) => {
      event.preventDefault();
      this.make(Number(new FormData(this.parts.ask).get("mf-days")));
    });
    this.parts.copy.addEventListener("click", () => this.#copy(this.address.value, this.parts.copy));
    this.address.addEventListener("focus", () => this.address.select());
  }

  open() {
    this.parts.what.textContent = strings.linkWaiting;
    for (const name of ["ask", "made"]) this.parts[name].hidden = true;
    this.say("");
    this.showMine();
    ask(this.dialog);
  }

  /** Before anything is kept. offer: { durable, days } of the server. */
  showOffer({ durable, days }) {
    this.parts.what.textContent = strings.linkWhat;
    this.parts.where.textContent = durable ? strings.linkKept : strings.linkInMemory;
    this.parts.days.replaceChildren(...[...days].sort((a, b) => a - b).map((count) => dayChoice(count, count === days[0])));
    this.parts.ask.hidden = this.busy = false; // a button that is off takes no focus
    this.parts.ask.querySelector('[type="submit"]').focus();
  }

  /** The link is there. expires: seconds, or null where nothing is kept. */
  showLink(address, expires) {
    this.parts.what.textContent = expires === null ? strings.linkExample : strings.linkWhat;
    this.parts.ask.hidden = true;
    this.parts.made.hidden = false;
    this.parts.ends.textContent = expires === null ? "" : strings.linkEnds(expires);
    this.address.value = address;
    this.parts.copy.focus();
    this.say("");
    this.showMine();
  }

  /** A link is gone: it is not offered for copying any more. */
  showDeleted(link) {
    if (this.address.value === link.address) this.parts.made.hidden = true;
    this.showMine();
    this.say(strings.linkDeleted(link));
    this.dialog.querySelector('[value="close"]').focus(); // the button that was pressed is gone
  }

  /** A sentence inside the dialog: toasts lie under it. */
  say(text) {
    this.parts.note.textContent = text;
    this.parts.note.hidden = !text;
  }

  set busy(on) {
    for (const button of this.dialog.querySelectorAll('[type="submit"], [data-link="delete"]')) button.disabled = on;
  }

  showMine() {
    const links = this.mine.list();
    this.parts.mine.hidden = links.length === 0;
    this.parts.mine.querySelector("ul").replaceChildren(...links.map((link) => this.#row(link)));
  }

  #row(link) {
    const row = document.createElement("li");
    const picture = Object.assign(document.createElement("img"), { src: link.picture, alt: "" });
    const text = Object.assign(document.createElement("span"), { textContent: strings.linkMine(link) });
    row.append(picture, text, this.#rowButton("copy", link), this.#rowButton("delete", link));
    return row;
  }

  #rowButton(name, link) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "mf-button mf-slim" });
    button.dataset.link = name;
    button.ariaLabel = button.title = name === "copy" ? strings.linkCopy(link) : strings.linkDelete(link);
    button.innerHTML = `<svg><use href="#mf-${name === "copy" ? "copy" : "bin"}" /></svg>`;
    button.addEventListener("click", () => (name === "copy" ? this.#copy(link.address, button) : this.remove(link)));
    return button;
  }

  async #copy(address, button) {
    try {
      await navigator.clipboard.writeText(address);
      this.say(strings.linkCopied);
    } catch {
      this.address.value = address; // no clipboard on a page without https: marked, it needs one more key
      this.parts.made.hidden = false;
      this.address.focus();
      this.say(strings.linkCopyYourself);
    }
  }
}

function dayChoice(count, chosen) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "mf-days", value: count, checked: chosen });
  label.append(input, strings.linkDays(count));
  return label;
}
