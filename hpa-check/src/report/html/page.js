"use strict";
// Every value at the instant under the pointer, or at the one that the arrow keys chose.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.querySelector(".chart"), svg = box.querySelector("svg");
  const cross = box.querySelector(".cross"), readout = document.querySelector(".readout");
  if (!data) return;
  const from = Date.parse(data.from), until = Date.parse(data.until);
  const left = +svg.dataset.left, right = +svg.dataset.right, width = svg.viewBox.baseVal.width;
  const times = new Map();
  const stamp = (at) => { if (!times.has(at)) times.set(at, Date.parse(at)); return times.get(at); };
  const last = (list, t) => { let found; for (const one of list) { if (stamp(one.at) > t) break; found = one; } return found; };
  const value = (list, t) => { const step = last(list, t); return step ? step.value : undefined; };
  const clock = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; };
  const known = (v, unit = "") => v === undefined || v === null ? "not known" : v + unit;
  let chosen = from;

  function show(t) {
    chosen = Math.min(until, Math.max(from, t));
    const share = (chosen - from) / Math.max(1, until - from);
    const scale = svg.getBoundingClientRect().width / width;
    cross.style.left = `${(left + share * (right - left)) * scale}px`;
    cross.hidden = false;
    const phase = data.phases.find((p) => stamp(p.from) <= chosen && chosen <= stamp(p.until));
    const load = last(data.load, chosen), sync = last(data.syncs, chosen);
    const fresh = load && chosen - stamp(load.at) < 3000;
    const values = [
      clock(chosen - from), phase ? phase.phase : "",
      `ready ${known(value(data.ready, chosen))}`, `set ${known(value(data.spec, chosen))}`,
      `wanted ${known(value(data.desired, chosen))}`, `CPU ${known(value(data.utilization, chosen), " %")}`,
      fresh ? `${Math.round(load.rps)} requests/s` : "no load", fresh && load.p99_us ? `p99 ${(load.p99_us / 1000).toFixed(1)} ms` : "",
      fresh ? `failed ${load.failed}` : "",
    ].filter(Boolean);
    const line = document.createElement("p"), because = document.createElement("p");
    line.className = "values"; line.textContent = values.join("  ·  ");
    because.className = "sentence"; because.textContent = sync ? `Last sync, ${clock(stamp(sync.at) - from)}: ${sync.sentence}` : "No sync yet.";
    readout.replaceChildren(line, because);
  }

  box.addEventListener("pointermove", (event) => {
    const area = svg.getBoundingClientRect();
    const x = (event.clientX - area.left) / area.width * width;
    show(from + (x - left) / (right - left) * (until - from));
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1000, ArrowRight: 1000, PageUp: -10000, PageDown: 10000 }[event.key];
    if (step) { event.preventDefault(); show(chosen + step); }
    if (event.key === "Home") show(from);
    if (event.key === "End") show(until);
  });
})();
