// The examples, as cards on the empty page and as a strip above an open photo.

import { strings } from "../page/strings.js";

/** places: elements to fill; root: the server's address; open(example) is called on a click. */
export function showExamples(places, examples, root, open) {
  for (const place of places) {
    place.replaceChildren(...examples.map((example) => exampleButton(example, root, open)));
    place.hidden = examples.length === 0;
  }
}

function exampleButton(example, root, open) {
  const button = document.createElement("button");
  button.className = "mf-example";
  button.dataset.example = example.name;
  button.title = strings.credit(example);
  button.setAttribute("aria-label", strings.openExample(example.title || example.name));
  const picture = document.createElement("img");
  picture.src = `${root}/gradio_api/file=${encodeURI(example.photo)}`;
  picture.alt = "";
  const title = document.createElement("span");
  title.textContent = (example.title || example.name).split(":")[0];
  const credit = document.createElement("small");
  credit.textContent = [example.author, example.licence].filter(Boolean).join(" · ");
  title.append(credit);
  button.append(picture, title);
  button.addEventListener("click", () => open(example));
  return button;
}
