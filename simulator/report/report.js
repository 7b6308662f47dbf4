"use strict";
// Draws the figures of a report. Data stand beside each figure as JSON; colours are put in here,
// so that they follow the reader's light or dark screen, and are light on paper.
(() => {
  const LIGHT = { text: "#1b1f23", muted: "#57606a", grid: "#d0d7de", paper: "#ffffff",
    palette: ["#0072b2", "#d55e00", "#009e73", "#b4588f", "#c98a00", "#3f9fd0", "#000000"] };
  const DARK = { text: "#e6e8ea", muted: "#a3abb3", grid: "#3a4148", paper: "#14171a",
    palette: ["#56b4e9", "#e69f00", "#2bc79a", "#e08fbd", "#f0e442", "#ff7f3f", "#ffffff"] };
  const screenIsDark = matchMedia("(prefers-color-scheme: dark)");
  let theme = screenIsDark.matches ? DARK : LIGHT;

  const colour = (token) => {
    const [, name, alpha] = token.match(/^@([a-z0-9]+)(?:\/(\d+))?$/);
    const hex = /^\d/.test(name) ? theme.palette[+name % theme.palette.length] : theme[name];
    if (!alpha) return hex;
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${+alpha / 100})`;
  };
  const coloured = (value) => {
    if (typeof value === "string") return /^@[a-z0-9]+(\/\d+)?$/.test(value) ? colour(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one)]));
  };
  const styled = (layout, height, narrow) => {
    const laid = { ...coloured(layout), height, paper_bgcolor: theme.paper,
      plot_bgcolor: theme.paper, hovermode: layout.hovermode || "closest",
      font: { color: theme.text, size: 13, family: "system-ui, sans-serif" },
      margin: { l: narrow ? 48 : 64, r: 12, t: 24, b: 48, ...layout.margin },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...layout.legend } };
    for (const key of new Set(["xaxis", "yaxis", ...Object.keys(layout)])) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      laid[key] = { automargin: true, gridcolor: theme.grid, zerolinecolor: theme.grid,
        linecolor: theme.muted, fixedrange: false, ...laid[key] };
    }
    return laid;
  };
  const dataOf = (plot) => {
    const found = plot.parentElement.querySelector('script[type="application/json"]');
    return JSON.parse(found.textContent);
  };
  const draw = (plot) => {
    const told = dataOf(plot);
    const select = plot.parentElement.querySelector("select");
    const shown = told.variants ? told.variants[select ? +select.value : 0] : told;
    if (shown.caption) {
      const caption = plot.parentElement.querySelector("figcaption");
      caption.querySelector("strong").textContent = shown.title;
      caption.querySelector("span").textContent = shown.caption;
      plot.setAttribute("aria-label", `${shown.title}. ${shown.caption}`);
    }
    const height = parseInt(plot.style.height, 10);
    const layout = styled(shown.layout, height, plot.clientWidth < 480);
    Plotly.react(plot, coloured(shown.data), layout,
      { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false });
    plot.dataset.drawn = "yes";
  };
  const hidden = (plot) => plot.closest("details:not([open])") !== null;
  const every = () => Array.from(document.querySelectorAll(".plot"));
  const drawSeen = () => every().filter((one) => !hidden(one) && !one.dataset.drawn).forEach(draw);
  const again = (next) => {
    theme = next;
    every().filter((one) => one.dataset.drawn).forEach(draw);
  };

  document.addEventListener("toggle", drawSeen, true);
  document.addEventListener("change", (event) => {
    const figure = event.target.closest("figure");
    if (figure) draw(figure.querySelector(".plot"));
  });
  screenIsDark.addEventListener("change", () => again(screenIsDark.matches ? DARK : LIGHT));
  window.addEventListener("beforeprint", () => again(LIGHT));
  window.addEventListener("afterprint", () => again(screenIsDark.matches ? DARK : LIGHT));
  drawSeen();
})();
