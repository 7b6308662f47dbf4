// Loaded before anything is painted, so that a dark choice never flashes white.
(() => {
  try {
    const chosen = localStorage.getItem("dermtwin-theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; the system's choice holds.
  }
})();
