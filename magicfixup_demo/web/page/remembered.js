// How somebody likes to see the page, for as long as its tab is open. A browser that stores nothing forgets it with the page.

export function remember(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // then it is as if nobody had said anything
  }
}

/** What was remembered last under that name, or null. */
export function remembered(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}
