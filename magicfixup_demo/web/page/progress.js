// The line at the foot of the canvas that says what is going on and how far it is.

export class ProgressLine {
  constructor(root) {
    Object.assign(this, { root, bar: root.querySelector("progress"), label: root.querySelector("span") });
  }

  /** fraction 0..1, or null to leave the bar where it is. */
  show(fraction, text) {
    this.root.hidden = false;
    if (fraction !== null) this.bar.value = fraction;
    if (this.label.textContent !== text) this.label.textContent = text;
  }

  hide() {
    this.root.hidden = true;
    this.bar.value = 0;
  }
}
