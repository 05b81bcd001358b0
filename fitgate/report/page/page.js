"use strict";
// What the other scripts share: the page's data, and elements that are made of text alone.

const data = JSON.parse(document.getElementById("data").textContent);

/** An element. Children that are strings are text, whatever they contain; `on...` attributes are listeners. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A labelled choice; `changed` is given the place of the option that is chosen. */
function choice(label, options, chosen, changed) {
  const select = h(
    "select",
    { onchange: () => changed(select.selectedIndex) },
    ...options.map((o) => h("option", {}, o)),
  );
  select.selectedIndex = chosen;
  return h("label", { class: "choice" }, h("span", {}, label), select);
}

/** A number of things, in words. */
function counted(number, noun) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun[0] : noun[1]}`;
}

/** Where something cannot be shown, why. */
function nothing(text) {
  return h("p", { class: "nothing" }, text);
}
