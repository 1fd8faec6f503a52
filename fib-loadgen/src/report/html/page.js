"use strict";
// Every value at the instant under the pointer, or at the one that the arrow keys chose.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.querySelector(".chart[role=slider]"), readout = document.querySelector(".readout");
  if (!box || !data.ends.length) return;
  const cross = box.querySelector(".cross"), until = data.ends[data.ends.length - 1];
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const known = (list, at, show) => list[at] === undefined || list[at] === null ? "–" : show(list[at]);
  const time = (us) => us < 1e3 ? `${us} µs` : us < 1e6 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e6).toFixed(2)} s`;
  const number = (value) => value.toLocaleString("en");
  let chosen = 0;

  // The picture that is shown, and where its time axis begins and ends on the page.
  function axis() {
    const svg = [...box.querySelectorAll("svg")].find((one) => one.getBoundingClientRect().width > 0);
    const area = svg.getBoundingClientRect(), scale = area.width / svg.viewBox.baseVal.width;
    return { begin: area.left, left: svg.dataset.left * scale, right: svg.dataset.right * scale };
  }

  function values(t) {
    let at = data.ends.findIndex((end) => end >= t);
    if (at < 0) at = data.ends.length - 1;
    const phase = data.phases.filter(([start]) => start <= t).pop();
    return [
      ["Time", clock(t)], ["Phase", phase ? phase[1] : "–"],
      ["Right/s", known(data.rps, at, (v) => number(Math.round(v)))], ["Due/s", known(data.offered, at, (v) => number(Math.round(v)))],
      ["Failed", known(data.failed, at, number)], ["p50", known(data.p50, at, time)], ["p90", known(data.p90, at, time)],
      ["p99", known(data.p99, at, time)], ["p99.9", known(data.p999, at, time)], ["Users", known(data.users, at, number)],
      ["In flight", known(data.in_flight, at, number)], ["Pods", known(data.pods, at, number)],
      ["Fairness", known(data.fairness, at, (v) => v.toFixed(3))],
    ];
  }

  function show(t) {
    chosen = Math.min(until, Math.max(0, t));
    const { left, right } = axis();
    cross.style.left = `${left + chosen / Math.max(1e-3, until) * (right - left)}px`;
    cross.hidden = false;
    const list = document.createElement("dl"), all = values(chosen);
    for (const [name, text] of all) {
      const pair = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
      term.textContent = name; said.textContent = text; pair.append(term, said); list.append(pair);
    }
    readout.replaceChildren(list);
    box.setAttribute("aria-valuenow", Math.round(chosen));
    box.setAttribute("aria-valuetext", all.map((pair) => pair.join(" ")).join(", "));
    box.removeAttribute("aria-describedby");
  }

  box.addEventListener("pointermove", (event) => {
    const { begin, left, right } = axis();
    show((event.clientX - begin - left) / (right - left) * until);
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    if (step) show(chosen + step);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(until);
    else return;
    event.preventDefault();
  });
  // A window that is being closed has no width, and no picture that is shown.
  onresize = () => { if (!cross.hidden && box.offsetWidth > 0) show(chosen); };
})();
