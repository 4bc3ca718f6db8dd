// Where a photo can be brought from again, also when the server has forgotten everything.
//   origin = { source, part }   part: which photo of the answer, "" for the main one
//   source = { id, name, rounds, file, example?, load? }   file: the bytes, null for an example and until load() has them

import { newId } from "../model/collage.js";

/** A file that was opened; it may hold several photos. */
export const ofFile = (file) => ({ id: newId("f"), name: file.name, rounds: 0, file });

export const ofExample = (name) => ({ id: newId("f"), name, rounds: 0, file: null, example: name });

/** A photo that only the server has: a result, or what a link leads to. Its bytes are fetched when they are wanted. */
export const ofServer = (photo, api) => ({
  ...{ id: newId("f"), name: photo.name, rounds: photo.rounds, file: null },
  load: () => api.withPhoto(photo, (token) => api.fetchFile({ token, form: "photo" })).then(({ blob }) => blob),
});

/** Whether the photo can be brought again from what this browser has. */
export const isAtHand = ({ file, example }) => Boolean(file || example);

/** The server's answer to opening it once more. */
export const openAgain = (source, api) =>
  source.example ? api.openExample(source.example) : api.openFile(new File([source.file], source.name, { type: source.file.type }), [], source.rounds);

/** Brings a photo that came from the server again: from its bytes once they are here, for the server may have lost it. */
export const reopener = (photo, api) => {
  const { source } = photo.origin;
  const asBefore = photo.reopen;
  return source.load ? () => (source.file ? openAgain(source, api) : asBefore()) : asBefore;
};

/** The photo of that part of an answer. */
export const partOf = (answer, part) => (part ? answer.sources.find(({ id }) => id === part) : answer);
