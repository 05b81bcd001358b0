"use strict";
// Tables that are sorted by their columns' titles, and filtered by a word and by choices.

/** What a cell sorts by: a number where it begins with one, else its text; null where it is empty. */
function sortKey(cell) {
  const text = cell.dataset.sort ?? cell.textContent.trim();
  if (text === "" || text === "-") return null;
  const number = Number.parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
}

/** Empty cells last, numbers before texts, texts as people sort them. */
function compareKeys(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = h("button", { type: "button", onclick: () => sort(head, column) });
    button.append(...head.childNodes);
    head.append(button);
  });

  function sort(head, column) {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [sortKey(row.cells[column]), row]);
    keyed.sort((a, b) => compareKeys(a[0], b[0], sign));
    body.append(...keyed.map(([, row]) => row));
  }
}

function filterable(table) {
  const rows = [...table.tBodies[0].rows];
  const count = h("p", { role: "status", class: "count" });
  const word = h("input", { type: "search", oninput: filter });
  const wanted = new Map(); // a column's place, and the text that its cells are to have

  const choices = [...table.tHead.rows[0].cells].flatMap((head, column) => {
    const texts = [...new Set(rows.map((row) => row.cells[column].textContent.trim()))].filter(Boolean);
    if (!("choose" in head.dataset) || texts.length < 2) return [];
    return choice(head.textContent.trim(), ["all", ...texts], 0, (place) => {
      wanted.set(column, place ? texts[place - 1] : null);
      filter();
    });
  });
  const search = h("label", { class: "choice" }, h("span", {}, "Containing"), word);
  table.closest(".scroll").before(h("div", { class: "tools" }, search, ...choices, count));

  function filter() {
    const text = word.value.trim().toLowerCase();
    for (const row of rows) {
      const matches = [...wanted].every(([column, of]) => of === null || row.cells[column].textContent.trim() === of);
      row.hidden = !matches || !row.textContent.toLowerCase().includes(text);
    }
    const left = rows.filter((row) => !row.hidden).length;
    count.textContent =
      left === rows.length ? counted(left, ["row", "rows"]) : `${left} of ${counted(rows.length, ["row", "rows"])}`;
  }
  filter();
}

for (const table of document.querySelectorAll("table.tool")) {
  filterable(table); // before the titles become buttons
  sortable(table);
}
