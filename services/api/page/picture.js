// Pictures. Where the API wants a key, an <img> cannot send it: then the picture is fetched.

import { ask, key } from "./api.js";
import { h } from "./dom.js";

const KEPT = 120;

const blobs = new Map(); // path -> blob URL, oldest first; the oldest are given back

async function fetched(path, image) {
  if (!blobs.has(path)) {
    try {
      const answer = await ask(path);
      if (!answer.ok) return;
      blobs.set(path, URL.createObjectURL(await answer.blob()));
    } catch {
      return; // The place of the picture stays empty; its text alternative says what it is.
    }
    if (blobs.size > KEPT) {
      const [oldest, url] = blobs.entries().next().value;
      URL.revokeObjectURL(url);
      blobs.delete(oldest);
    }
  }
  document.querySelectorAll(`img[data-path="${CSS.escape(path)}"]`).forEach((one) => {
    one.src = blobs.get(path);
  });
  image.src = blobs.get(path);
}

/** Return an image of a path of the API. */
export function picture(path, alt, size) {
  const wanted = key() ? blobs.get(path) : path;
  const image = h("img", { src: wanted, alt, width: size, height: size, loading: "lazy", decoding: "async", "data-path": path });
  if (!wanted) fetched(path, image);
  return image;
}

/** Return a small picture beside which the text says all. */
export function thumbnail(path, size) {
  return picture(path, "", size);
}
