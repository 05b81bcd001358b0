// What the theme leaves undone for keyboards and screen readers.
addEventListener("DOMContentLoaded", () => {
  const set = (found, attributes) =>
    document.querySelectorAll(found).forEach((one) =>
      Object.entries(attributes).forEach(([name, value]) => one.setAttribute(name, value)));
  set("pre, .table-wrapper", { tabindex: 0 }); // they scroll
  set(".caption[role=heading]", { "aria-level": 2 });
  set(".sidebar-drawer", { "aria-label": "All pages" });
  set(".toc-drawer", { "aria-label": "This page" });
});
