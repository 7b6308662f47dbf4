// Pictures. An <img> that is described gets its source only when it stands on the page: redraws
// describe it many times. And where the API wants a key, which an <img> cannot send, it is fetched.

import { ask, key } from "./api.js";
import { h } from "./dom.js";

const KEPT = 120;

const blobs = new Map(); // path -> blob URL, oldest first; the oldest are given back
const fetching = new Set();

/** Return an image of a path of the API. */
export function picture(path, alt, size) {
  return h("img", { alt, width: size, height: size, decoding: "async", "data-path": path });
}

/** Return a small picture beside which the text says all. */
export function thumbnail(path, size) {
  return picture(path, "", size);
}

/** Give sources to the pictures that have none, or whose loading failed. */
export function showPictures() {
  for (const image of document.querySelectorAll("img[data-path]")) {
    const path = image.dataset.path;
    if (image.hasAttribute("src") && !(image.complete && !image.naturalWidth)) continue;
    if (!key()) image.src = path;
    else if (blobs.has(path)) image.src = blobs.get(path);
    else fetched(path);
  }
}

async function fetched(path) {
  if (fetching.has(path)) return;
  fetching.add(path);
  try {
    const answer = await ask(path);
    if (!answer.ok) return;
    blobs.set(path, URL.createObjectURL(await answer.blob()));
  } catch {
    return; // The place of the picture stays empty; its text alternative says what it is.
  } finally {
    fetching.delete(path);
  }
  if (blobs.size > KEPT) {
    const [oldest, url] = blobs.entries().next().value;
    URL.revokeObjectURL(url);
    blobs.delete(oldest);
  }
  for (const image of document.querySelectorAll(`img[data-path="${CSS.escape(path)}"]`)) {
    image.src = blobs.get(path);
  }
}
