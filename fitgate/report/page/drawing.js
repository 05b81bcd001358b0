"use strict";
// Charts by Vega-Lite, whose expressions are interpreted: the page's policy forbids that text is run as code.

const COLOURS = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `var(--series-${i})`);
// One fewer than colours: each of 56 pairs is another.
const SHAPES = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-right"];
const ANCHORS = ["right", "top-right", "bottom-right", "top", "bottom", "left", "top-left", "bottom-left"];
const OFFSETS = [3, 8, 14]; // pixels from a mark to its label, the best first
const CONFIG = {
  background: "transparent",
  font: "system-ui, sans-serif", // the page's, by name: widths are measured with it
  view: { stroke: "transparent" },
  axis: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    tickColor: "var(--line)",
    domainColor: "var(--line)",
    gridColor: "var(--line)",
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: "normal",
    titlePadding: 10,
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    symbolSize: 90,
  },
  text: { color: "currentColor", fontSize: 12 },
  range: { category: COLOURS, symbol: SHAPES },
};

const tip = h("div", { class: "tip", hidden: true });
document.body.append(tip);

/** Show what a mark stands for, a line each, as text. */
function showTip(handler, event, item, value) {
  tip.hidden = value == null || value === "";
  if (tip.hidden) return;
  tip.replaceChildren(...Object.entries(value).map(([name, of]) => h("div", {}, h("span", {}, `${name} `), of)));
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const top = Math.min(event.clientY + 14, document.documentElement.clientHeight - tip.offsetHeight - 8);
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

/** Draw a chart into a place of the page, which then is one picture with a name; its numbers stand in a table. */
function draw(place, spec, name) {
  place.vegaView?.finalize();
  const compiled = vegaLite.compile({
    width: "container",
    height: 340,
    autosize: { type: "fit-x", contains: "padding" },
    config: CONFIG,
    ...spec,
  }).spec;
  placeLabels(compiled);
  const runtime = vega.parse(compiled, null, { ast: true });
  const view = new vega.View(runtime, {
    expr: vegaInterpreter.expressionInterpreter,
    renderer: "svg",
    container: place,
  });
  place.vegaView = view.tooltip(showTip);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", name);
  return view.runAsync().then(() => place.querySelector("svg").setAttribute("aria-hidden", "true"));
}

/** A legend above a chart, in as many columns as its place has room for. */
function legendIn(place) {
  return { title: null, orient: "top", columns: Math.max(1, Math.floor(place.clientWidth / 220)), labelLimit: 190 };
}

/** Say in a chart's place why there is none. */
function drawNothing(place, text) {
  place.vegaView?.finalize();
  place.vegaView = null;
  place.removeAttribute("role");
  place.removeAttribute("aria-label");
  place.replaceChildren(nothing(text));
}

/** Have Vega put the labels of a layer `labels` beside those of `points`, and cover no mark; Vega-Lite cannot say so. */
function placeLabels(compiled) {
  const labels = compiled.marks.find((mark) => mark.name === "labels_marks");
  if (!labels) return;
  labels.from = { data: "points_marks" };
  labels.encode = {
    update: { text: { field: "datum.model" }, fill: { value: "currentColor" }, fontSize: { value: 12 } },
  };
  labels.transform = [
    {
      type: "label",
      size: { signal: "[width, height]" },
      anchor: OFFSETS.flatMap(() => ANCHORS),
      offset: OFFSETS.flatMap((offset) => ANCHORS.map(() => offset)),
      avoidMarks: ["rings_marks", "rest_marks"].filter((name) => compiled.marks.some((mark) => mark.name === name)),
    },
  ];
}

/** A title that is plain text: Vega-Lite would split it into lines, or read it as an expression. */
function title(text) {
  return [text];
}

/** From below the least of some values to above the greatest; no share is more than all. */
function around(values, percent) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? 0.08 * (high - low) : 0.01 * Math.abs(high) || 1; // also around what does not vary
  return [low - room, percent ? Math.min(high + room, 100) : high + room];
}
