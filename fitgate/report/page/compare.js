"use strict";
// Two runs, example by example: what the second one broke, and what it mended.

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

/** The places at which one set of answers is right and another wrong, both ways. */
function changes(before, after) {
  return {
    broken: after.wrong.filter((place) => !before.at.has(place)),
    mended: before.wrong.filter((place) => !after.at.has(place)),
  };
}

function compareSection(section) {
  const controls = h("div", { class: "tools" });
  const place = h("div");
  section.append(controls, place);
  let [first, second] = lastPair();
  let tested = 0;
  const shared = () =>
    data.tested
      .map((_, i) => i)
      .filter((i) => [first, second].every((run) => answers.some((of) => of.run === run && of.tested === i)));

  function again(focus) {
    const both = shared();
    if (!both.includes(tested)) tested = both[0] ?? 0;
    controls.replaceChildren(
      choice("Before", data.runs, first, (i) => {
        first = i;
        again(0);
      }),
      choice("After", data.runs, second, (i) => {
        second = i;
        again(1);
      }),
      ...(both.length
        ? [
            choice(
              "Task",
              both.map((i) => data.tested[i].task),
              both.indexOf(tested),
              (i) => {
                tested = both[i];
                again(2);
              },
            ),
          ]
        : []),
    );
    if (focus !== undefined) controls.querySelectorAll("select")[focus]?.focus();
    place.replaceChildren(
      ...(first === second
        ? [nothing("Choose two different runs.")]
        : both.length
          ? compared(first, second, tested)
          : [nothing("These runs have no task on the same test split.")]),
    );
  }
  again();
}

/** The last two runs that have a model on the same test split; the page shows this part only where there are such. */
function lastPair() {
  for (let second = data.runs.length - 1; second > 0; second--) {
    const known = answers.filter((of) => of.run === second);
    const earlier = answers
      .filter((of) => of.run < second && known.some((o) => o.tested === of.tested && o.model === of.model))
      .map((of) => of.run);
    if (earlier.length) return [Math.max(...earlier), second];
  }
  return [0, 0];
}

function compared(first, second, place) {
  const tested = data.tested[place];
  const of = (run) => answers.filter((one) => one.run === run && one.tested === place);
  const pairs = of(first).flatMap((a) =>
    of(second)
      .filter((b) => b.model === a.model)
      .map((b) => [a, b]),
  );
  if (!pairs.length) return [nothing("These runs have no model in common on this task.")];
  const list = h("div", { class: "chosen", role: "group" });
  return [tested.classes.length ? changeTable(pairs, tested, list) : errorTable(pairs, tested, list), list];
}

function changeTable(pairs, tested, list) {
  const tests = !tested.places.length; // answers of folds are not independent, as McNemar's test has them
  const rows = pairs.map(([a, b]) => {
    const { broken, mended } = changes(a, b);
    const sure =
      broken.length + mended.length === 0
        ? "the same right answers"
        : `p = ${midP(broken.length, mended.length).toPrecision(2)}`;
    const cell = (places, what) =>
      h(
        "td",
        { class: "number" },
        places.length
          ? h(
              "button",
              {
                type: "button",
                "aria-label": `${places.length} ${what} by ${a.model}`,
                onclick: () => show(a, b, places, what),
              },
              places.length.toLocaleString("en"),
            )
          : "0",
      );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, a.model),
      h("td", {}, a.value),
      h("td", {}, b.value),
      cell(broken, "broken"),
      cell(mended, "mended"),
      ...(tests ? [h("td", {}, sure)] : []),
    );
  });
  const heads = ["Model", "Before", "After", "Broken", "Mended", ...(tests ? ["Chance alone"] : [])];
  const reading = `Broken: right before, and wrong after. Mended: the other way round.${tests ? " The last column says how often chance alone would split them so unevenly (McNemar's test): below 0.01 is hard to explain by chance. It speaks of these two fits, not of other seeds." : ""}`;

  function show(a, b, places, what) {
    const heading = h("h3", { tabindex: "-1" }, `${counted(places.length, tested.noun)} ${what} by ${a.model}`);
    const said =
      what === "broken"
        ? (at) => `, now ${words(tested, answerAt(b, at))}`
        : (at) => `, before ${words(tested, answerAt(a, at))}`;
    list.replaceChildren(heading, ...exampleList(tested, places, said));
    heading.focus();
  }
  return h("div", {}, simpleTable("Examples that changed", heads, rows), h("p", { class: "reading" }, reading));
}

/** Where numbers are asked for: the examples whose errors have grown most. */
function errorTable(pairs, tested, list) {
  const rows = pairs.map(([a, b]) => {
    const grown = (at) =>
      Math.abs((b.given[at] ?? Number.MAX_VALUE) - tested.truth[at]) -
      Math.abs((a.given[at] ?? Number.MAX_VALUE) - tested.truth[at]);
    const worse = tested.truth
      .map((_, i) => i)
      .filter((i) => grown(i) > 0)
      .sort((i, j) => grown(j) - grown(i));
    const show = () => {
      const heading = h("h3", { tabindex: "-1" }, `Errors of ${a.model} that have grown most`);
      list.replaceChildren(
        heading,
        ...exampleList(
          tested,
          worse.slice(0, AT_ONCE),
          (at) => `, before ${words(tested, a.given[at])}, now ${words(tested, b.given[at])}`,
        ),
      );
      heading.focus();
    };
    const button = h(
      "button",
      { type: "button", "aria-label": `${worse.length} that ${a.model} is farther off`, onclick: show },
      worse.length.toLocaleString("en"),
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, a.model),
      h("td", {}, a.value),
      h("td", {}, b.value),
      h("td", { class: "number" }, worse.length ? button : "0"),
    );
  });
  return simpleTable("Examples that changed", ["Model", "Before", "After", "Farther off"], rows);
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
