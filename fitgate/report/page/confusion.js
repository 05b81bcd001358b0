"use strict";
// Confusions: which classes a model takes for which, and the examples behind them.

const MOST_CLASSES = 30; // more of them make no readable matrix

function examplesSection(section) {
  const controls = h("div", { class: "tools" });
  const place = h("div");
  section.append(controls, place);
  let tested = 0;
  let model = newest();

  /** The first model of the newest run that was asked about the chosen examples. */
  function newest() {
    const runs = answers.filter((of) => of.tested === tested).map((of) => of.run);
    return Math.max(0, runs.indexOf(Math.max(...runs)));
  }

  function controlsAgain() {
    const mine = answers.filter((of) => of.tested === tested);
    const tasks = data.tested.map((of) =>
      data.tested.filter((o) => o.task === of.task).length > 1 ? `${of.task} of ${of.data}` : of.task,
    );
    controls.replaceChildren(
      choice("Task", tasks, tested, (i) => {
        tested = i;
        model = newest();
        controlsAgain();
        controls.querySelector("select").focus();
      }),
      choice(
        "Model",
        mine.map((of) => of.name),
        model,
        (i) => {
          model = i;
          show();
        },
      ),
    );
    show();
  }

  function show() {
    const of = answers.filter((one) => one.tested === tested)[model];
    const on = data.tested[tested];
    place.replaceChildren(
      h("p", { class: "reading" }, `${on.size}. ${of.value[0].toUpperCase()}${of.value.slice(1)}.`),
      ...(on.classes.length ? confusion(of, on) : largestErrors(of, on)),
    );
  }
  controlsAgain();
}

/** The classes that a model takes for others, and the examples of those that are chosen. */
function confusion(of, tested) {
  const list = h("div", { class: "chosen" });
  const heading = h("h3", { tabindex: "-1" });
  function choose(places, text, byReader) {
    heading.textContent = text;
    list.replaceChildren(
      heading,
      ...(places.length
        ? exampleList(tested, places, (place) =>
            of.at.has(place) ? `, answered ${words(tested, of.at.get(place))}` : "",
          )
        : [nothing("None.")]),
    );
    if (byReader) heading.focus();
  }
  const pairs = Map.groupBy(of.wrong, (place) => `${tested.truth[place]} ${of.at.get(place)}`);
  const all = () => choose(of.wrong, `All ${counted(of.wrong.length, tested.noun)} that ${of.name} gets wrong`, true);
  const everything = h("button", { type: "button", class: "more", onclick: all }, "All that are wrong");
  choose(of.wrong, `All ${counted(of.wrong.length, tested.noun)} that ${of.name} gets wrong`, false);
  const pick = (a, b) =>
    choose(
      pairs.get(`${a} ${b}`),
      `${counted(pairs.get(`${a} ${b}`).length, tested.noun)} of ${tested.classes[a]} taken for ${tested.classes[b]}`,
      true,
    );
  return [
    tested.classes.length <= MOST_CLASSES ? matrix(tested, pairs, pick) : pairList(tested, pairs, pick),
    everything,
    list,
  ];
}

/** A confusion matrix: a row for each true class, a column for each answer; what is wrong can be clicked. */
function matrix(tested, pairs, pick) {
  const sizes = tested.classes.map(() => 0);
  for (const truth of tested.truth) sizes[truth] += 1;
  const most = Math.max(1, ...[...pairs.values()].map((places) => places.length));
  const wrong = (a) =>
    [...pairs].filter(([key]) => key.startsWith(`${a} `)).reduce((sum, [, places]) => sum + places.length, 0);
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "diagonal" }, (sizes[a] - wrong(a)).toLocaleString("en"));
    const places = pairs.get(`${a} ${b}`);
    if (!places) return h("td", { class: "none" }, "");
    const button = h(
      "button",
      {
        type: "button",
        onclick: () => pick(a, b),
        "aria-label": `${counted(places.length, tested.noun)} of ${tested.classes[a]} taken for ${tested.classes[b]}`,
      },
      String(places.length),
    );
    button.style.setProperty("--share", String(places.length / most));
    return h("td", {}, button);
  };
  const head = h(
    "tr",
    {},
    h("td", { class: "corner" }, "true ↓ answered →"),
    ...tested.classes.map((name) => h("th", { scope: "col" }, name)),
  );
  const rows = tested.classes.map((name, a) =>
    h("tr", {}, h("th", { scope: "row" }, name), ...tested.classes.map((_, b) => cell(a, b))),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
    h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, ...rows)),
  );
}

/** The most frequent confusions, of more classes than a matrix can show. */
function pairList(tested, pairs, pick) {
  const most = [...pairs].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_CLASSES);
  return h(
    "ul",
    { class: "pairs" },
    ...most.map(([key, places]) => {
      const [a, b] = key.split(" ").map(Number);
      return h(
        "li",
        {},
        h(
          "button",
          { type: "button", onclick: () => pick(a, b) },
          `${places.length} of ${tested.classes[a]} taken for ${tested.classes[b]}`,
        ),
      );
    }),
  );
}

/** The examples whose numbers a model is farthest off. */
function largestErrors(of, tested) {
  const off = (place) => Math.abs((of.given[place] ?? Number.MAX_VALUE) - tested.truth[place]);
  const places = tested.truth
    .map((_, i) => i)
    .sort((a, b) => off(b) - off(a))
    .slice(0, AT_ONCE);
  return [
    h("h3", {}, "Largest errors"),
    ...exampleList(tested, places, (place) => `, answered ${words(tested, of.given[place])}`),
  ];
}

const examplesPlace = document.querySelector("#examples .figure");
if (examplesPlace) examplesSection(examplesPlace);
