// Which drafts are kept: for a day, few, and not too much of them. Pure.

export const DAY_MS = 24 * 3600 * 1000;
export const MOST_DRAFTS = 4;
export const MOST_BYTES = 512e6;

/** Of a day at most, also by a clock that was put back or forward. */
export const isFresh = ({ at }, now) => Math.abs(now - at) < DAY_MS;

/**
 * drafts: [{ key, at, bytes }]; open: the keys that tabs have open, whose drafts all stay. Returns the keys of those that are
 * too old, too many or too much; the newest ones stay.
 */
export function surplus(drafts, { open, now }) {
  const closed = drafts.filter(({ key }) => !open.has(key)).sort((a, b) => b.at - a.at);
  const fresh = closed.filter((draft) => isFresh(draft, now));
  let room = MOST_BYTES - sum(drafts.filter(({ key }) => open.has(key)));
  const stays = fresh.filter(({ bytes }, i) => i < MOST_DRAFTS && (room -= bytes) >= 0);
  return closed.filter((draft) => !stays.includes(draft)).map(({ key }) => key);
}

const sum = (drafts) => drafts.reduce((bytes, draft) => bytes + draft.bytes, 0);
