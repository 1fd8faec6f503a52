"use strict";
// The run goes on: its state comes about once a second, and what the reader has chosen stays.
(() => {
  const report = document.getElementById("report"), data = document.getElementById("data");
  const live = document.createElement("p");
  live.id = "live"; live.setAttribute("role", "status"); report.before(live);
  const say = (text, lost) => { if (live.textContent !== text) live.textContent = text; live.className = lost ? "lost" : ""; };
  const name = (details) => details.dataset.name || details.parentElement.querySelector("code").textContent;
  say("Live: the run goes on.", false);

  function take(event) {
    const state = JSON.parse(event.data);
    const chosen = instants && instants.chosen(), chart = document.querySelector(".chart");
    const part = instants && !instants.whole() && instants.part();
    const focused = chart && chart === document.activeElement;
    const open = new Map([...report.querySelectorAll("details")].map((one) => [name(one), one.open]));
    document.title = state.title;
    report.innerHTML = state.content;
    data.textContent = JSON.stringify(state.data);
    for (const one of report.querySelectorAll("details")) if (open.has(name(one))) one.open = open.get(name(one));
    instants = attach();
    if (instants && part) instants.zoom(...part);
    if (instants && chosen !== undefined) instants.choose(chosen);
    if (instants && focused) document.querySelector(".chart").focus({ preventScroll: true });
    say("Live: the run goes on.", false);
  }

  const source = new EventSource("events");
  source.addEventListener("state", take);
  source.addEventListener("end", (event) => {
    source.close();
    take(event);
    say("The run is over and its server has ended: this is its last state, and it stays until the page is closed.", false);
  });
  source.addEventListener("error", () => say("The run can't be reached: this is the last that was seen of it.", true));
})();
