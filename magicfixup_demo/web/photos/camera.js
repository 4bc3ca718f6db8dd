// The small camera dialog: a live picture, one button, and the frame arrives as a file like any other.

import { makeCanvas } from "../canvas/masks.js";
import { strings } from "../page/strings.js";

export class Camera {
  #stream = null;

  constructor(dialog, take, tell) {
    Object.assign(this, { dialog, take, tell, video: dialog.querySelector("video") });
    dialog.querySelector('[data-do="shoot"]').addEventListener("click", () => this.#shoot());
    dialog.querySelector('[data-do="close-camera"]').addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#release());
  }

  async open() {
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1920 } },
      });
    } catch {
      return this.tell(strings.cameraRefused);
    }
    this.video.srcObject = this.#stream;
    this.dialog.showModal();
    await this.video.play();
  }

  #shoot() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return;
    const canvas = makeCanvas(videoWidth, videoHeight);
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    this.dialog.close();
    canvas.toBlob((blob) => this.take(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.95);
  }

  #release() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }
}
