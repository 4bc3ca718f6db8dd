/** A name that nobody can guess; also over plain http, where there is no randomUUID. */
export const secretName = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
