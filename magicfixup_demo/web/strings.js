// Every sentence that the browser side of the page says; the server's own are in ui/strings.py.

const TITLES = { magicfixup: "Magic Fixup", small: "Small" };
const title = (name) => TITLES[name] ?? name;
const percent = (fraction) => `${Math.round(100 * fraction)} %`;
const work = ({ licence, seconds, steps }) =>
  `${licence.split(";")[0]} · ${seconds.toFixed(1)} s · ${steps} ${steps === 1 ? "step" : "steps"}`;
const size = (megabytes) => (megabytes < 1000 ? `${megabytes} MB` : `${(megabytes / 1000).toFixed(1)} GB`);

export const strings = {
  hintSelect: "Click an object, or drag a box around it.",
  hintSelectTouch: "Tap an object, or draw a box around it.",
  hintRefine: "Drag to move it. Click to add, Shift-click to leave out.",
  hintRefineTouch: "Drag to move it. Tap to add a part.",
  hintLayer: "Drag to move. Corners scale, the round handle turns.",
  hintReadyTouch: "Happy with it? Fix it up. Or tap another object.",
  hintLayerTouch: "Drag to move. Two fingers scale and turn it.",
  hintReady: "Happy with it? Fix it up. Or click another object.",
  reading: "Looking at your photo",
  opening: "Opening",
  uploading: "Uploading",
  selecting: "Selecting",
  running: "Fixing it up",
  queued: "Waiting for a free place",
  stopping: "Stopping after this step",
  stopped: "Stopped. Your arrangement is as it was.",
  nothingMoved: "Nothing has moved yet. Click an object, drag it somewhere, then fix it up.",
  openFirst: "Open a photo first: press Open photo, or choose an example.",
  insideHole: "That part was cut out already; it is one of the objects you can drag.",
  alreadyCut: "All of this is cut out already; drag the object itself.",
  tooLarge: (megabytes) => `This file is over ${megabytes} MB; save it smaller and try again.`,
  notPicture: "This is not a picture; choose a JPEG, PNG or WebP file.",
  noAnswer: "The server does not answer; check the connection and try again. Your work is still here.",
  replaced: "New photo opened. Undo brings the last one back.",
  cameraRefused: "The camera cannot be used here; allow it in the browser, or open a photo instead.",
  noPasted: "There is no picture in the clipboard; copy one, then paste it here.",
  seedWrong: (most) => `The seed must be a whole number from 0 to ${most}.`,
  stepsWrong: (most) => `Steps must be a whole number from 1 to ${most}.`,
  noDownload: "The picture could not be fetched; try again.",
  engineMissing: (problem) => `Fixing up is not available: ${problem}`,
  defaultMissing: (offer, instead) => `${title(offer.name)} is not available, so ${title(instead)} repairs: ${offer.problem}`,
  withSdedit: (megabytes) => `SDEdit beside it (Stable Diffusion 1.4, ${size(megabytes)}, downloaded once)`,
  modelTitle: (name) => title(name),
  sentence: (text) => text && text[0].toUpperCase() + text.slice(1).replace(/\.?$/, "."),
  modelLicence: ({ licence }) => `Licence: ${licence}.`,
  modelState: ({ megabytes, loading, fraction, text, problem }) => {
    if (loading) return `${text} (${percent(fraction)})`;
    if (problem) return `${problem} Fix it up tries again.`;
    return megabytes ? `Not here yet: the first Fix it up downloads ${size(megabytes)}, once.` : "";
  },
  downloading: (offers) =>
    `${offers.map(({ name, megabytes }) => `${title(name)} (${size(megabytes)})`).join(" and ")} is downloaded first, once. Stop ends it.`,
  besideNothing: "No other model",
  besideWith: (name) => `${name}, with the same seed`,
  sampler: (name, isDefault) => (isDefault ? `${name} (default)` : name),
  downloadOther: (name) => `Download ${title(name)}`,
  modelLoading: ({ text, fraction }) => `${text} (${percent(fraction)})`,
  stopFirst: "The last arrangement is still being fixed up; wait for it, or press Stop.",
  before: "Photo",
  coarse: "Your arrangement",
  sdedit: "SDEdit",
  sdeditNote: (model) =>
    model === "small" ? "same start and seed; our small network is weak at it" : "same arrangement, by a network that sees nothing else",
  coarseNote: "holes filled, where both start",
  facts: (result) => `${result.model} · ${work(result)} · seed ${result.seed}`,
  otherNote: (other) => work(other),
  credit: ({ title, author, licence }) => [title, author, licence].filter(Boolean).join(", "),
  openExample: (title) => `Open the example ${title}`,
  scaleOf: (index, count) => `${index} of ${count}`,
  defaultSteps: (steps) => `${steps} (default)`,
  ownSteps: "the model's own",
};
