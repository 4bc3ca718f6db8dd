// The address of a link: what it names, and what travels in it. Pure.

/** place: { photo: id } or { example: name }; edit: the text of code.js; base: the page's address. */
export function linkTo(base, place, edit) {
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname}?${new URLSearchParams(place)}#e=${edit}`;
}

/** The inverse: { photo, example, edit }, each "" where missing; null where the address is no link. */
export function readAddress(address) {
  const { searchParams, hash } = new URL(address);
  const photo = searchParams.get("photo") ?? "";
  const example = searchParams.get("example") ?? "";
  if (!photo && !example) return null;
  return { photo, example: photo ? "" : example, edit: new URLSearchParams(hash.slice(1)).get("e") ?? "" };
}

/** The page's address without what makes it a link. */
export function withoutLink(address) {
  const url = new URL(address);
  for (const name of ["photo", "example"]) url.searchParams.delete(name);
  url.hash = "";
  return url.href;
}
