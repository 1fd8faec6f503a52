"use strict";
// Finds autoscalers: rows and cases that don't have the text are hidden, and groups without any left with them.
{
  const field = document.getElementById("find"), found = document.getElementById("found");
  const rows = [...document.querySelectorAll("[data-find]")].map((row) => [row, row.textContent.toLowerCase()]);
  const groups = [...document.querySelectorAll("article.group, details.space")];
  const folds = [...document.querySelectorAll("article.group > details, details.space")];
  document.querySelector(".find").hidden = false;
  const fold = (open) => { for (const one of folds) one.open = open; };
  document.getElementById("open").onclick = () => fold(true);
  document.getElementById("close").onclick = () => fold(false);
  field.oninput = () => {
    const text = field.value.trim().toLowerCase();
    const told = (row) => row.closest(".group") ? row.closest(".group").querySelector("h3").textContent.toLowerCase() : "";
    for (const [row, has] of rows) row.hidden = text !== "" && !has.includes(text) && !told(row).includes(text);
    for (const group of groups) {
      group.hidden = text !== "" && !group.querySelector("[data-find]:not([hidden])");
      if (text !== "" && !group.hidden) (group.matches("details") ? group : group.firstElementChild).open = true;
    }
    const left = document.querySelectorAll("details.space tr[data-find]:not([hidden])").length;
    found.textContent = text === "" ? "" : left === 1 ? "1 autoscaler" : `${left} autoscalers`;
  };
  // A link to a row that is folded away opens what hides it.
  const show = () => { const fold = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("details"); if (fold) fold.open = true; };
  onhashchange = show;
  show();
}
