"use strict";
// Two runs, or two models of one, example by example: what only one of them gets right.

/**
 * The two-sided mid-p value of McNemar's test: how likely so uneven a split of the examples on which two models differ
 * would be, if each were as likely to go either way. The same as fitgate's own, which is one-sided.
 */
function midP(broken, mended) {
  const n = broken + mended;
  const least = Math.min(broken, mended);
  let log = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= least; k++) {
    tail += Math.exp(log) / (k === least ? 2 : 1);
    log += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

/** The places at which the second of two sets of answers is worse than the first, and those at which it is better. */
function differences(first, second, tested) {
  if (tested.classes.length)
    return {
      worse: second.wrong.filter((place) => !first.at.has(place)),
      better: first.wrong.filter((place) => !second.at.has(place)),
    };
  const off = (of, at) => Math.abs((of.given[at] ?? Number.MAX_VALUE) - tested.truth[at]);
  const farther = (one, other) =>
    tested.truth
      .map((_, at) => [off(one, at) - off(other, at), at])
      .filter(([more]) => more > 0)
      .sort((a, b) => b[0] - a[0])
      .map(([, at]) => at);
  return { worse: farther(second, first), better: farther(first, second) };
}

// How two sets of answers are spoken of: those of one model in two runs, and those of two models in one.
const OF_RUNS = {
  heads: (numbers) => ["Model", "Before", "After", ...(numbers ? ["Farther off", "Nearer"] : ["Broken", "Mended"])],
  name: (a) => a.model,
  worse: (numbers, a) => (numbers ? `on which ${a.model} is farther off` : `broken by ${a.model}`),
  better: (numbers, a) => (numbers ? `on which ${a.model} is nearer` : `mended by ${a.model}`),
  said: (before, now) => [before && `before ${before}`, now && `now ${now}`],
  reading: (numbers) => (numbers ? "" : "Broken: right before, and wrong after. Mended: the other way round."),
};
const OF_MODELS = {
  heads: (numbers, a, b) => [
    "Task",
    a.model,
    b.model,
    ...[a, b].map((of) => (numbers ? `${of.model} nearer` : `Only ${of.model} right`)),
  ],
  name: (a) => data.tested[a.tested].task,
  worse: (numbers, a) => (numbers ? `on which ${a.model} is nearer` : `that only ${a.model} gets right`),
  better: (numbers, a, b) => OF_MODELS.worse(numbers, b),
  said: (first, second, a, b) => [first && `${a.model}: ${first}`, second && `${b.model}: ${second}`],
  reading: () => "",
};

function compareSection(section) {
  const controls = h("div", { class: "tools" });
  const place = h("div");
  section.append(controls, place);
  const modes = [twoRuns(), twoModels()].filter(Boolean);
  let chosen = 0;

  /** Show the choices and what they come to; the one that its reader has just made keeps the focus. */
  function again(focus) {
    const mode = modes[chosen];
    const choices = mode.choices().map(([label, options, at, changed], i) =>
      choice(label, options, at, (option) => {
        changed(option);
        again(i + modes.length - 1);
      }),
    );
    if (modes.length > 1) {
      const names = modes.map((of) => of.name);
      choices.unshift(
        choice("Compare", names, chosen, (i) => {
          chosen = i;
          again(0);
        }),
      );
    }
    controls.replaceChildren(...choices);
    if (focus !== undefined) controls.querySelectorAll("select")[focus]?.focus();
    place.replaceChildren(...mode.shown());
  }
  again();
}

/** Two runs, model by model; null where none have a model on the same test split. */
function twoRuns() {
  const pair = lastPair();
  if (!pair) return null;
  let [first, second] = pair;
  let tested = 0;
  const shared = () => placesOf((i) => [first, second].every((run) => onTest(run, i).length));

  return {
    name: "two runs",
    choices() {
      const both = shared();
      if (!both.includes(tested)) tested = both[0] ?? 0;
      const runs = [
        ["Before", data.runs, first, (i) => (first = i)],
        ["After", data.runs, second, (i) => (second = i)],
      ];
      return both.length ? [...runs, taskChoice(both, tested, (i) => (tested = i))] : runs;
    },
    shown() {
      if (first === second) return [nothing("Choose two different runs.")];
      if (!shared().length) return [nothing("These runs have no task on the same test split.")];
      const pairs = onTest(first, tested).flatMap((a) =>
        onTest(second, tested)
          .filter((b) => b.model === a.model)
          .map((b) => [a, b]),
      );
      if (!pairs.length) return [nothing("These runs have no model in common on this task.")];
      return changeTable(pairs, data.tested[tested], OF_RUNS);
    },
  };
}

/** Two models of a run on one task; null where no run has two. */
function twoModels() {
  const several = (run) => placesOf((i) => onTest(run, i).length > 1);
  const runs = data.runs.map((_, i) => i).filter((run) => several(run).length);
  if (!runs.length) return null;
  let run = runs.at(-1);
  let tested = several(run)[0];
  let pair = []; // names

  return {
    name: "two models of a run",
    choices() {
      const tasks = several(run);
      if (!tasks.includes(tested)) tested = tasks[0];
      const models = onTest(run, tested).map((of) => of.model);
      if (!pair.length || !pair.every((name) => models.includes(name))) pair = models.slice(0, 2);
      const one = ["Run", runs.map((i) => data.runs[i]), runs.indexOf(run), (i) => (run = runs[i])];
      return [
        ...(runs.length > 1 ? [one] : []),
        taskChoice(tasks, tested, (i) => (tested = i)),
        ["First model", models, models.indexOf(pair[0]), (i) => (pair = [models[i], pair[1]])],
        ["Second model", models, models.indexOf(pair[1]), (i) => (pair = [pair[0], models[i]])],
      ];
    },
    shown() {
      if (pair[0] === pair[1]) return [nothing("Choose two different models.")];
      const chosen = pair.map((name) => onTest(run, tested).find((of) => of.model === name));
      return changeTable([chosen], data.tested[tested], OF_MODELS);
    },
  };
}

/** The places of tasks on a test split for which something holds. */
function placesOf(holds) {
  return data.tested.map((_, i) => i).filter(holds);
}

/** What models of a run answered to a task on a test split. */
function onTest(run, tested) {
  return answers.filter((of) => of.run === run && of.tested === tested);
}

function taskChoice(places, tested, changed) {
  const tasks = places.map((i) => data.tested[i].task);
  return ["Task", tasks, places.indexOf(tested), (i) => changed(places[i])];
}

/** The last two runs that have a model on the same test split; null where there are none. */
function lastPair() {
  for (let second = data.runs.length - 1; second > 0; second--) {
    const known = answers.filter((of) => of.run === second);
    const earlier = answers
      .filter((of) => of.run < second && known.some((o) => o.tested === of.tested && o.model === of.model))
      .map((of) => of.run);
    if (earlier.length) return [Math.max(...earlier), second];
  }
  return null;
}

/** A row for each pair of answers, with the numbers of examples that tell them apart, and a place for those to look at. */
function changeTable(pairs, tested, speak) {
  const list = h("div", { class: "chosen", role: "group" });
  const numbers = !tested.classes.length;
  const tests = !numbers && !tested.places.length; // answers of folds are not independent, as McNemar's test has them

  function show(a, b, places, what) {
    const heading = h("h3", { tabindex: "-1" }, `${counted(places.length, tested.noun)} ${what}`);
    const output = (of, at) => (numbers || of.at.has(at)) && words(tested, answerAt(of, at)); // false for a right class
    const said = (at) =>
      speak
        .said(output(a, at), output(b, at), a, b)
        .filter(Boolean)
        .map((text) => `, ${text}`)
        .join("");
    list.replaceChildren(heading, ...exampleList(tested, numbers ? places.slice(0, AT_ONCE) : places, said));
    heading.focus();
  }

  const rows = pairs.map(([a, b]) => {
    const { worse, better } = differences(a, b, tested);
    const cell = (places, what) => {
      const label = `${places.length} ${what}`;
      const button = { type: "button", "aria-label": label, onclick: () => show(a, b, places, what) };
      const number = places.length ? h("button", button, places.length.toLocaleString("en")) : "0";
      return h("td", { class: "number" }, number);
    };
    const chance = worse.length + better.length ? `p = ${midP(worse.length, better.length).toPrecision(2)}` : "";
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, speak.name(a)),
      h("td", {}, a.value),
      h("td", {}, b.value),
      cell(worse, speak.worse(numbers, a, b)),
      cell(better, speak.better(numbers, a, b)),
      ...(tests ? [h("td", {}, chance || "the same right answers")] : []),
    );
  });
  const heads = [...speak.heads(numbers, ...pairs[0]), ...(tests ? ["Chance alone"] : [])];
  const reading = [
    speak.reading(numbers),
    tests
      ? "The last column says how often chance alone would split them so unevenly (McNemar's test): below 0.01 is hard to explain by chance. It speaks of these two fits, not of other seeds."
      : "",
  ];
  return [
    simpleTable("Examples that differ", heads, rows),
    h("p", { class: "reading" }, reading.filter(Boolean).join(" ")),
    list,
  ];
}

function simpleTable(name, heads, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...rows),
    ),
  );
}

const comparePlace = document.querySelector("#compare .figure");
if (comparePlace) compareSection(comparePlace);
