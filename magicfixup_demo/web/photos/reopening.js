// How photos that the server has dropped are brought again, where several came in one answer. Pure.

/**
 * fetchRecord() brings a photo record with its `sources`. Returns again(id) -> reopen(): the record of that photo, "" for the
 * main one. One answer serves all of them, since the server keeps few photos of a visit; each takes its part of it once.
 */
export function reopening(fetchRecord) {
  let answer = null;
  let taken = new Set();
  return (id) => async () => {
    if (!answer || taken.has(id)) {
      answer = fetchRecord();
      taken = new Set();
    }
    taken.add(id);
    const mine = answer;
    try {
      const record = await mine;
      return id ? record.sources.find((source) => source.id === id) : record;
    } catch (problem) {
      if (answer === mine) answer = null;
      throw problem;
    }
  };
}
