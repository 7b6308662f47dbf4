// One drawer for details. A modal dialog: focus stays within, Escape closes, focus goes back.

import { act, patch } from "./dom.js";
import { showPictures } from "./picture.js";

let open = null; // {key, draw, close}

const dialog = () => document.getElementById("drawer");

/** Show a drawer; `draw` returns its title and content, and is called again at `redrawDrawer`. */
export function openDrawer(key, draw, close = () => {}) {
  if (open && open.key !== key) open.close();
  open = { key, draw, close };
  patch(document.getElementById("drawer-body"));
  redrawDrawer();
  if (!dialog().open) dialog().showModal();
  document.getElementById("drawer-title").focus();
  dialog().scrollTop = 0;
}

/** Return what the open drawer is about, or null. */
export function drawerKey() {
  return open?.key ?? null;
}

export function redrawDrawer() {
  if (!open) return;
  const { title, content } = open.draw();
  patch(document.getElementById("drawer-title"), title);
  patch(document.getElementById("drawer-body"), content);
  showPictures();
}

export function startDrawer() {
  act("close-drawer", () => dialog().close());
  dialog().addEventListener("close", () => {
    open?.close();
    open = null;
    patch(document.getElementById("drawer-body"));
  });
  // A press beside the drawer closes it, too.
  dialog().addEventListener("click", (event) => {
    if (event.target === dialog()) dialog().close();
  });
}
