// Drag a row of the layers list to another place; the list shows the new order while the pointer moves.

const DRAG_FROM = 5; // CSS pixels
const EDGE = 28; // so near to the list's end it scrolls

/**
 * list: the <ol>; moved(id, place) at the end, where `place` counts from the front. A mouse may take a row anywhere, a
 * finger only its grip, since elsewhere it scrolls. `cancel()` puts the rows back.
 */
export class LayerDrag {
  #drag = null;

  constructor(list, moved) {
    Object.assign(this, { list, moved });
    list.addEventListener("pointerdown", (event) => this.#begin(event));
    list.addEventListener("pointermove", (event) => this.#move(event));
    list.addEventListener("pointerup", (event) => this.#end(event));
    list.addEventListener("pointercancel", () => this.cancel());
    list.addEventListener("click", (event) => this.#swallow(event), true);
  }

  get active() {
    return Boolean(this.#drag?.moving);
  }

  cancel() {
    const drag = this.#drag;
    if (!drag) return;
    this.#finish();
    if (drag.moving) this.list.replaceChildren(...drag.before);
  }

  #begin(event) {
    const row = event.target.closest(".mf-layer");
    const onGrip = event.target.closest(".mf-layer-grip");
    if (!row || event.button > 0 || event.target.closest("input, [data-toggles]")) return;
    if (event.pointerType === "touch" && !onGrip) return;
    this.#drag = { row, id: event.pointerId, from: event.clientY, moving: false, before: [...this.list.children] };
    if (onGrip) event.preventDefault();
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.id) return;
    if (!drag.moving && Math.abs(event.clientY - drag.from) < DRAG_FROM) return;
    if (!drag.moving) this.#start(drag);
    const others = [...this.list.children].filter((row) => row !== drag.row);
    const next = others.find((row) => event.clientY < middleOf(row)) ?? null;
    if (drag.row.nextElementSibling !== next) this.list.insertBefore(drag.row, next);
    this.#scroll(event.clientY);
  }

  // The list holds the pointer, not the row: a row that is moved in the page would lose it.
  #start(drag) {
    drag.moving = true;
    window.addEventListener("keydown", this.#escape, true);
    drag.row.setAttribute("data-dragged", "");
    this.list.setPointerCapture(drag.id);
  }

  #scroll(y) {
    const { top, bottom } = this.list.getBoundingClientRect();
    if (y < top + EDGE) this.list.scrollTop -= 8;
    if (y > bottom - EDGE) this.list.scrollTop += 8;
  }

  #end(event) {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.id) return;
    this.#finish();
    if (!drag.moving) return;
    this.ended = event.timeStamp;
    this.moved(drag.row.dataset.layer, [...this.list.children].indexOf(drag.row));
  }

  #finish() {
    this.#drag.row.removeAttribute("data-dragged");
    this.#drag = null;
    window.removeEventListener("keydown", this.#escape, true);
  }

  // The focus may be anywhere while a pointer drags.
  #escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.cancel();
  };

  // The click that a browser makes of the same press is not one.
  #swallow(event) {
    if (this.ended === undefined || event.timeStamp - this.ended > 50) return;
    this.ended = undefined;
    event.stopPropagation();
  }
}

function middleOf(row) {
  const { top, height } = row.getBoundingClientRect();
  return top + height / 2;
}
