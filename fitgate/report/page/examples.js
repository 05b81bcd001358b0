"use strict";
// Examples: what models answered to each, and what is kept of it to look at.

const AT_ONCE = 48; // examples of a list that are shown before its reader asks for all

const answers = data.answers.map((of) => {
  const tested = data.tested[of.tested];
  return {
    ...of,
    name: data.runs.length > 1 ? `${of.model} of ${data.runs[of.run]}` : of.model,
    at: tested.classes.length ? new Map(of.wrong.map((place, i) => [place, of.given[i]])) : null,
  };
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
  const label = h(
    "span",
    { class: "about" },
    `${words(tested, tested.truth[place])}${said} `,
    h("small", {}, `#${index}`),
  );
  return h(
    "button",
    { type: "button", class: shown ? "example" : "example bare", onclick: () => openExample(tested, place) },
    ...(shown ? [shown] : []),
    label,
  );
}

/** Examples, those first of which something is kept; `said` gives what stands behind the truth. */
function exampleList(tested, places, said) {
  const items = (some) => some.map((place) => h("li", {}, exampleButton(tested, place, said(place))));
  const kept = places.filter((place) => exampleAt(tested, place).kept);
  const others = places.filter((place) => !exampleAt(tested, place).kept);
  return [
    ...(kept.length ? [h("ul", { class: "examples" }, ...items(kept))] : []),
    ...(others.length ? bareList(others, items) : []),
  ];
}

/** Examples of which nothing is kept; of many the first, and a button for the rest. */
function bareList(places, items) {
  const list = h("ul", { class: "examples bare" }, ...items(places.slice(0, AT_ONCE)));
  const rest = places.slice(AT_ONCE);
  if (!rest.length) return [list];
  const more = h(
    "button",
    {
      type: "button",
      class: "more",
      onclick: () => {
        const next = list.children.length;
        list.append(...items(rest));
        more.remove();
        list.children[next].firstChild.focus();
      },
    },
    `Show ${rest.length.toLocaleString("en")} more`,
  );
  return [list, more];
}

const dialog = h("dialog", { "aria-labelledby": "example-title" });
document.body.append(dialog);
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

/** Show an example, and what each model of each run answered. */
function openExample(tested, place) {
  const { index, kept } = exampleAt(tested, place);
  const truth = tested.truth[place];
  const mine = answers.filter((of) => data.tested[of.tested] === tested);
  const right = mine.filter((of) => answerAt(of, place) === truth).length;
  const several = data.runs.length > 1;
  const rows = mine.map((of) => {
    const given = answerAt(of, place);
    const state = !tested.classes.length
      ? given === null
        ? "-"
        : `off by ${Number(Math.abs(given - truth).toPrecision(4))}`
      : given === truth
        ? "right"
        : "wrong";
    return h(
      "tr",
      { class: state },
      ...(several ? [h("td", {}, data.runs[of.run])] : []),
      h("th", { scope: "row" }, of.model),
      h("td", {}, words(tested, given)),
      h("td", {}, state),
    );
  });
  const heads = [...(several ? ["Run"] : []), "Model", "Answer", ""].map((text) =>
    text ? h("th", { scope: "col" }, text) : h("td"),
  );
  dialog.replaceChildren(
    h("form", { method: "dialog" }, h("button", { class: "close", "aria-label": "Close" }, "×")),
    h("h2", { id: "example-title", tabindex: "-1" }, `#${index} of ${tested.task}: ${words(tested, truth)}`),
    kept?.picture
      ? h("img", {
          class: "large",
          src: kept.picture,
          alt: `Test ${tested.noun[0]} ${index}, whose true answer is ${words(tested, truth)}`,
        })
      : h(
          "p",
          { class: "values" },
          kept
            ? kept.values
            : `The records keep nothing more of this ${tested.noun[0]}: they hold those that most models get wrong.`,
        ),
    tested.classes.length ? h("p", {}, `${right} of ${counted(mine.length, ["answer is", "answers are"])} right.`) : "",
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Answers" },
      h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)),
    ),
  );
  dialog.showModal();
}
