"use strict";
// The charts: quality against latency, learning curves, and the history of a figure.

const FEW = 24; // points that all have labels; of more, those of the last run

function tradeoffChart(section) {
  const tasks = [...new Set(data.tradeoffs.map((of) => of.task))];
  const controls = h("div", { class: "tools" });
  const place = h("div", { class: "chart" });
  const words = h("p", { class: "reading" });
  section.append(controls, place, words);
  let task = 0;
  let run = -1;

  function show() {
    const shown = data.tradeoffs.filter((of) => of.task === tasks[task] && (run < 0 || of.run === run));
    const about = data.tradeoffs.find((of) => of.task === tasks[task]);
    const runs = data.runs.filter((_, i) => shown.some((of) => of.run === i));
    const points = shown.flatMap((of) =>
      of.points.map((p) => ({ ...p, run: data.runs[of.run], last: of === shown.at(-1) })),
    );
    if (!points.length) {
      words.textContent = "";
      drawNothing(place, "This run has no model that was both evaluated and timed on this task.");
      return;
    }
    const wide = Math.max(...points.map((p) => p.ms)) > 4 * Math.min(...points.map((p) => p.ms));
    const x = {
      field: "ms",
      type: "quantitative",
      title: [`typical time to answer one ${about.noun}, ms`, ...(wide ? ["(log scale)"] : [])],
      scale: { type: wide ? "log" : "linear", ...(!wide && { zero: false }), padding: 24, nice: false },
      axis: { format: "~g", ...(wide && { values: decades(points.map((p) => p.ms)) }) },
    };
    const y = {
      field: "value",
      type: "quantitative",
      title: title(about.title),
      scale: {
        zero: false,
        nice: false,
        domain: around(
          points.map((p) => p.value),
          about.percent,
        ),
      },
    };
    const colour = {
      field: "run",
      type: "nominal",
      scale: { domain: runs },
      legend: runs.length > 1 ? legendIn(place) : null,
    };
    const tooltip = points.map((p) => ({
      Run: p.run,
      Model: p.model,
      [about.metric]: String(+p.value.toPrecision(5)),
      Latency: `${+p.ms.toPrecision(3)} ms`,
    }));
    const all = points.length <= FEW || shown.length === 1;
    const layers = all ? ["points"] : ["rest", "points"]; // each has some: Vega places no labels beside a mark of none
    draw(
      place,
      {
        data: {
          values: points.map((p, i) => ({
            ...p,
            tip: tooltip[i],
            labelled: p.last || all,
          })),
        },
        encoding: { x, y },
        layer: [
          {
            transform: [{ filter: { field: "front", equal: true } }],
            mark: { type: "line", strokeDash: [5, 4], strokeWidth: 1.5, opacity: 0.8, interpolate: "step-after" },
            encoding: { color: colour, order: { field: "ms" } },
          },
          {
            name: "rings",
            transform: [{ filter: { field: "front", equal: true } }],
            mark: { type: "point", size: 320, strokeWidth: 1.5 },
            encoding: { color: colour },
          },
          ...layers.map((name) => ({
            name,
            transform: [{ filter: { field: "labelled", equal: name === "points" } }],
            mark: { type: "point", filled: true, size: 110, opacity: 0.9 },
            encoding: {
              color: colour,
              shape: { field: "run", type: "nominal", scale: { domain: runs }, legend: colour.legend },
              tooltip: { field: "tip" },
            },
          })),
          { name: "labels", mark: { type: "text", limit: 160 }, encoding: { text: { field: "model" } } },
        ],
      },
      `${about.title}, against the time to answer one ${about.noun}, of ${counted(points.length, ["point", "points"])}. The numbers are in the table of models.`,
    );
    const better = about.higher_is_better ? "Up" : "Down";
    const front = shown.map(
      (of) =>
        `${runs.length > 1 ? `${data.runs[of.run]}: ` : ""}${of.points
          .filter((p) => p.front)
          .map((p) => p.model)
          .join(", ")}`,
    );
    words.textContent = `${better} and to the left is better. Ringed are the models that no other of their run beats in both, fastest first: ${front.join("; ")}.`;
  }

  if (tasks.length > 1)
    controls.append(
      choice("Task", tasks, task, (i) => {
        task = i;
        show();
      }),
    );
  if (data.runs.length > 1)
    controls.append(
      choice("Run", ["all", ...data.runs], 0, (i) => {
        run = i - 1;
        show();
      }),
    );
  show();
}

/** Powers of ten, and their doubles and fives where there are few of them, around some numbers. */
function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const steps = high - low > 2 ? [1] : [1, 2, 5];
  return Array.from({ length: high - low + 1 }, (_, i) => steps.map((s) => s * 10 ** (low + i))).flat();
}

function learningChart(section) {
  const kinds = [...new Set(data.learnings.map((of) => JSON.stringify([of.task, of.kind])))].map((text) =>
    JSON.parse(text),
  );
  const controls = h("div", { class: "tools" });
  const place = h("div", { class: "chart" });
  section.append(controls, place);
  const runs = data.runs.map((_, i) => i).filter((i) => data.learnings.some((of) => of.run === i));
  let chosen = 0;
  let run = -1;

  function show() {
    const [task, kind] = kinds[chosen];
    const shown = data.learnings.filter((of) => of.task === task && of.kind === kind && (run < 0 || of.run === run));
    if (!shown.length) {
      drawNothing(place, "This run has no such curve.");
      return;
    }
    const values = shown.flatMap((of) =>
      of.curves.flatMap((curve) =>
        curve.values.map((value, i) => ({
          run: data.runs[of.run],
          model: curve.model,
          epoch: i + 1,
          value,
          tip: {
            Run: data.runs[of.run],
            Model: curve.model,
            Epoch: String(i + 1),
            [kind]: value === null ? "NaN" : String(+value.toPrecision(4)),
          },
        })),
      ),
    );
    draw(
      place,
      {
        data: { values },
        mark: { type: "line", point: { size: 40 }, strokeWidth: 2, invalid: "break-paths-show-domains" },
        encoding: {
          x: {
            field: "epoch",
            type: "quantitative",
            title: title("epoch"),
            axis: { tickMinStep: 1, format: "d" },
            scale: { nice: false, padding: 10 },
          },
          y: { field: "value", type: "quantitative", title: title(kind), scale: { zero: false } },
          color: { field: "model", type: "nominal", legend: legendIn(place) },
          detail: { field: "run" },
          tooltip: { field: "tip" },
        },
      },
      `${kind} on ${task} by epoch, of ${shown.flatMap((of) => of.curves.map((c) => `${c.model}, last ${c.values.at(-1)?.toPrecision(4) ?? "NaN"}`)).join("; ")}.`,
    );
  }

  controls.append(
    choice(
      "Curve",
      kinds.map(([task, kind]) => `${kind} on ${task}`),
      0,
      (i) => {
        chosen = i;
        show();
      },
    ),
  );
  if (runs.length > 1)
    controls.append(
      choice("Run", ["all", ...runs.map((i) => data.runs[i])], 0, (i) => {
        run = i ? runs[i - 1] : -1;
        show();
      }),
    );
  show();
}

function historyChart(section) {
  const place = h("div", { class: "chart" });
  const heading = h("h3", { tabindex: "-1" });
  const sentences = h("ul", { class: "changes" });
  section.append(heading, place, sentences);

  function show(number) {
    const { name, axis, runs, values, levels, changes } = data.history.series[number];
    const points = values.map((value, i) => ({
      i: i + 1,
      value,
      tip: { Run: data.history.runs[runs[i]], Value: String(+value.toPrecision(5)) },
    }));
    const steps = levels.map(([start, stop, value]) => ({ from: start + 0.6, to: stop + 0.4, value }));
    const noticed = changes.map((c) => ({
      i: c.seen + 1,
      value: values[c.seen],
      what: c.worse ? "noticed: worse" : "noticed: better",
      tip: { Change: c.sentence },
    }));
    const y = {
      field: "value",
      type: "quantitative",
      title: title(axis),
      axis: { format: "~r" },
      scale: { domain: around(values), zero: false, nice: false },
    };
    const x = {
      type: "quantitative",
      title: title("run, in the order of time"),
      axis: { tickMinStep: 1, format: "d" },
      scale: { domain: [0.5, values.length + 0.5], nice: false },
    };
    const legend = noticed.length ? legendIn(place) : null;
    const domain = ["noticed: worse", "noticed: better"];
    heading.textContent = name;
    draw(
      place,
      {
        height: 260,
        layer: [
          {
            data: { values: points },
            mark: {
              type: "line",
              strokeWidth: 1,
              opacity: 0.6,
              color: COLOURS[0],
              point: { size: 40, filled: true, color: COLOURS[0] },
            },
            encoding: { x: { ...x, field: "i" }, y, tooltip: { field: "tip" } },
          },
          {
            data: { values: steps },
            mark: { type: "rule", strokeWidth: 2.5, color: "currentColor" },
            encoding: { x: { ...x, field: "from" }, x2: { field: "to" }, y },
          },
          {
            data: { values: noticed },
            mark: { type: "point", filled: true, size: 150 },
            encoding: {
              x: { ...x, field: "i" },
              y,
              color: {
                field: "what",
                type: "nominal",
                scale: { domain, range: ["var(--fail)", "var(--pass)"] },
                legend,
              },
              shape: {
                field: "what",
                type: "nominal",
                scale: { domain, range: ["triangle-down", "triangle-up"] },
                legend,
              },
              tooltip: { field: "tip" },
            },
          },
        ],
      },
      `${name}, run by run, and the level that it kept to: ${changes.length ? changes.map((c) => c.sentence).join("; ") : "no change was found"}.`,
    );
    sentences.replaceChildren(...changes.map((c) => h("li", {}, c.sentence)));
  }

  for (const button of document.querySelectorAll("#history button[data-series]")) {
    button.addEventListener("click", () => {
      show(Number(button.dataset.series));
      heading.focus();
    });
  }
  show(0);
}

for (const [id, chart, of] of [
  ["tradeoff", tradeoffChart, data.tradeoffs],
  ["learning", learningChart, data.learnings],
  ["history", historyChart, data.history?.series],
]) {
  const section = document.querySelector(`#${id} .figure`);
  if (section && of?.length) chart(section);
}
