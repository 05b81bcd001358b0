"use strict";
// Examples: who takes which class for which, the examples behind it, and what every model says of one.

const MOST_CLASSES = 30; // more of them make no readable matrix
const AT_ONCE = 48; // examples of a list that are shown before its reader asks for all

const answers = data.answers.map((of) => {
  const tested = data.tested[of.tested];
  return { ...of, name: data.runs.length > 1 ? `${of.model} of ${data.runs[of.run]}` : of.model, at: tested.classes.length ? new Map(of.wrong.map((place, i) => [place, of.given[i]])) : null };
});

/** What a model answered to the output at a place: a class's place, or a number. */
function answerAt(of, place) {
  if (!of.at) return of.given[place];
  return of.at.get(place) ?? data.tested[of.tested].truth[place];
}

/** An output in words. */
function words(tested, output) {
  if (output === null) return "NaN";
  return tested.classes.length ? tested.classes[output] : String(output);
}

/** The example that the output at a place is for: its number, and what is kept of it, if anything. */
function exampleAt(tested, place) {
  const index = tested.places.length ? tested.places[place] : place;
  return { index, kept: tested.examples[index] };
}

/** A picture of an example, or its values; null where nothing is kept of it. */
function look(kept) {
  if (kept?.picture) return h("img", { src: kept.picture, alt: "" });
  return kept ? h("span", { class: "values" }, kept.values) : null;
}

/** A button for an example, that opens what every model says of it. */
function exampleButton(tested, place, said) {
  const { index, kept } = exampleAt(tested, place);
  const shown = look(kept);
  const label = h("span", { class: "about" }, `${words(tested, tested.truth[place])}${said} `, h("small", {}, `#${index}`));
  return h("button", { type: "button", class: shown ? "example" : "example bare", onclick: () => openExample(tested, place) }, ...(shown ? [shown] : []), label);
}

/** Examples, those first of which something is kept; `said` gives what stands behind the truth. */
function exampleList(tested, places, said) {
  const items = (some) => some.map((place) => h("li", {}, exampleButton(tested, place, said(place))));
  const kept = places.filter((place) => exampleAt(tested, place).kept);
  const others = places.filter((place) => !exampleAt(tested, place).kept);
  return [...(kept.length ? [h("ul", { class: "examples" }, ...items(kept))] : []), ...(others.length ? bareList(others, items) : [])];
}

/** Examples of which nothing is kept; of many the first, and a button for the rest. */
function bareList(places, items) {
  const list = h("ul", { class: "examples bare" }, ...items(places.slice(0, AT_ONCE)));
  const rest = places.slice(AT_ONCE);
  if (!rest.length) return [list];
  const more = h("button", { type: "button", class: "more", onclick: () => { const next = list.children.length; list.append(...items(rest)); more.remove(); list.children[next].firstChild.focus(); } }, `Show ${rest.length.toLocaleString("en")} more`);
  return [list, more];
}

const dialog = h("dialog", { "aria-labelledby": "example-title" });
document.body.append(dialog);
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

/** Show an example, and what each model of each run answered. */
function openExample(tested, place) {
  const { index, kept } = exampleAt(tested, place);
  const truth = tested.truth[place];
  const mine = answers.filter((of) => data.tested[of.tested] === tested);
  const right = mine.filter((of) => answerAt(of, place) === truth).length;
  const several = data.runs.length > 1;
  const rows = mine.map((of) => {
    const given = answerAt(of, place);
    const state = !tested.classes.length ? (given === null ? "-" : `off by ${Number(Math.abs(given - truth).toPrecision(4))}`) : given === truth ? "right" : "wrong";
    return h("tr", { class: state }, ...(several ? [h("td", {}, data.runs[of.run])] : []), h("th", { scope: "row" }, of.model), h("td", {}, words(tested, given)), h("td", {}, state));
  });
  const heads = [...(several ? ["Run"] : []), "Model", "Answer", ""].map((text) => (text ? h("th", { scope: "col" }, text) : h("td")));
  dialog.replaceChildren(
    h("form", { method: "dialog" }, h("button", { class: "close", "aria-label": "Close" }, "×")),
    h("h2", { id: "example-title", tabindex: "-1" }, `#${index} of ${tested.task}: ${words(tested, truth)}`),
    kept?.picture ? h("img", { class: "large", src: kept.picture, alt: `Test ${tested.noun[0]} ${index}, whose true answer is ${words(tested, truth)}` }) : h("p", { class: "values" }, kept ? kept.values : `The records keep nothing more of this ${tested.noun[0]}: they hold those that most models get wrong.`),
    tested.classes.length ? h("p", {}, `${right} of ${counted(mine.length, ["answer is", "answers are"])} right.`) : "",
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Answers" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows))),
  );
  dialog.showModal();
}

function examplesSection(section) {
  const controls = h("div", { class: "tools" });
  const place = h("div");
  section.append(controls, place);
  let tested = 0;
  let model = 0;

  function controlsAgain() {
    const mine = answers.filter((of) => of.tested === tested);
    const tasks = data.tested.map((of) => (data.tested.filter((o) => o.task === of.task).length > 1 ? `${of.task} of ${of.data}` : of.task));
    controls.replaceChildren(
      choice("Task", tasks, tested, (i) => { tested = i; model = 0; controlsAgain(); controls.querySelector("select").focus(); }),
      choice("Model", mine.map((of) => of.name), model, (i) => { model = i; show(); }),
    );
    show();
  }

  function show() {
    const of = answers.filter((one) => one.tested === tested)[model];
    const on = data.tested[tested];
    place.replaceChildren(h("p", { class: "reading" }, `${on.size}. ${of.value[0].toUpperCase()}${of.value.slice(1)}.`), ...(on.classes.length ? confusion(of, on) : largestErrors(of, on)));
  }
  controlsAgain();
}

/** The classes that a model takes for others, and the examples of those that are chosen. */
function confusion(of, tested) {
  const list = h("div", { class: "chosen" });
  const heading = h("h3", { tabindex: "-1" });
  function choose(places, text, byReader) {
    heading.textContent = text;
    list.replaceChildren(heading, ...(places.length ? exampleList(tested, places, (place) => (of.at.has(place) ? `, answered ${words(tested, of.at.get(place))}` : "")) : [nothing("None.")]));
    if (byReader) heading.focus();
  }
  const pairs = Map.groupBy(of.wrong, (place) => `${tested.truth[place]} ${of.at.get(place)}`);
  const all = () => choose(of.wrong, `All ${counted(of.wrong.length, tested.noun)} that ${of.name} gets wrong`, true);
  const everything = h("button", { type: "button", class: "more", onclick: all }, "All that are wrong");
  choose(of.wrong, `All ${counted(of.wrong.length, tested.noun)} that ${of.name} gets wrong`, false);
  const pick = (a, b) => choose(pairs.get(`${a} ${b}`), `${counted(pairs.get(`${a} ${b}`).length, tested.noun)} of ${tested.classes[a]} taken for ${tested.classes[b]}`, true);
  return [tested.classes.length <= MOST_CLASSES ? matrix(tested, pairs, pick) : pairList(tested, pairs, pick), everything, list];
}

/** A confusion matrix: a row for each true class, a column for each answer; what is wrong can be clicked. */
function matrix(tested, pairs, pick) {
  const sizes = tested.classes.map(() => 0);
  for (const truth of tested.truth) sizes[truth] += 1;
  const most = Math.max(1, ...[...pairs.values()].map((places) => places.length));
  const wrong = (a) => [...pairs].filter(([key]) => key.startsWith(`${a} `)).reduce((sum, [, places]) => sum + places.length, 0);
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "diagonal" }, (sizes[a] - wrong(a)).toLocaleString("en"));
    const places = pairs.get(`${a} ${b}`);
    if (!places) return h("td", { class: "none" }, "");
    const button = h("button", { type: "button", onclick: () => pick(a, b), "aria-label": `${counted(places.length, tested.noun)} of ${tested.classes[a]} taken for ${tested.classes[b]}` }, String(places.length));
    button.style.setProperty("--share", String(places.length / most));
    return h("td", {}, button);
  };
  const head = h("tr", {}, h("td", { class: "corner" }, "true ↓ answered →"), ...tested.classes.map((name) => h("th", { scope: "col" }, name)));
  const rows = tested.classes.map((name, a) => h("tr", {}, h("th", { scope: "row" }, name), ...tested.classes.map((_, b) => cell(a, b))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" }, h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, ...rows)));
}

/** The most frequent confusions, of more classes than a matrix can show. */
function pairList(tested, pairs, pick) {
  const most = [...pairs].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_CLASSES);
  return h("ul", { class: "pairs" }, ...most.map(([key, places]) => {
    const [a, b] = key.split(" ").map(Number);
    return h("li", {}, h("button", { type: "button", onclick: () => pick(a, b) }, `${places.length} of ${tested.classes[a]} taken for ${tested.classes[b]}`));
  }));
}

/** The examples whose numbers a model is farthest off. */
function largestErrors(of, tested) {
  const off = (place) => Math.abs((of.given[place] ?? Infinity) - tested.truth[place]);
  const places = tested.truth.map((_, i) => i).sort((a, b) => off(b) - off(a)).slice(0, AT_ONCE);
  return [h("h3", {}, "Largest errors"), ...exampleList(tested, places, (place) => `, answered ${words(tested, of.given[place])}`)];
}

const examplesPlace = document.querySelector("#examples .figure");
if (examplesPlace) examplesSection(examplesPlace);
