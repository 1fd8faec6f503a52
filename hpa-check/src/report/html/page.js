"use strict";
// Every value at the instant under the pointer, or at the one that the arrow keys chose. Returns how to
// choose one, and which it is.
function attach() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.querySelector(".chart"), readout = document.querySelector(".readout");
  if (!data || !box) return undefined;
  const cross = box.querySelector(".cross");
  // Times are whole tenths of a second, each since the one before.
  const rows = (flat, width) => { const list = []; for (let i = 0, t = 0; i < flat.length; i += width) { t += flat[i] * 100; list.push([t, ...flat.slice(i + 1, i + width)]); } return list; };
  const series = (name) => rows(data[name] || [], 2);
  const from = 0, until = data.length * 100;
  const steps = Object.fromEntries(["ready", "spec", "desired", "proposed", "utilization"].map((name) => [name, series(name)]));
  const load = rows(data.load, 5), syncs = data.syncs.map(([t, sentence]) => [t * 100, sentence]);
  const pods = data.pods.map(([first, gone, flat]) => ({ first: first * 100, gone: gone === null ? Infinity : gone * 100, percent: rows(flat, 2) }));
  const last = (list, t) => { let low = 0, high = list.length; while (low < high) { const middle = (low + high) >> 1; if (list[middle][0] > t) high = middle; else low = middle + 1; } return list[low - 1]; };
  const value = (name, t) => { const step = last(steps[name], t); return step ? step[1] : undefined; };
  const clock = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); const two = (n) => String(n).padStart(2, "0"), m = Math.floor(s / 60);
    return m < 60 ? `${m}:${two(s % 60)}` : `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}`; };
  // Text of the world must not turn the direction of what stands around it.
  const plain = (text) => text.replace(/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  const known = (v, unit = "") => v === undefined || v === null ? "–" : v + unit;
  let chosen = from;

  // The picture that is shown, and where its time axis begins and ends on the page.
  function axis() {
    const svg = [...box.querySelectorAll("svg")].find((one) => one.getBoundingClientRect().width > 0);
    const area = svg.getBoundingClientRect(), scale = area.width / svg.viewBox.baseVal.width;
    return { begin: area.left, left: svg.dataset.left * scale, right: svg.dataset.right * scale };
  }

  // The use of the pods that ran then, from the idlest to the busiest, in percent of the request.
  function spread(t) {
    const there = pods.filter((pod) => pod.first <= t && t < pod.gone);
    const uses = there.map((pod) => last(pod.percent, t)).filter(Boolean).map((step) => step[1]);
    return uses.length ? `${Math.min(...uses)} to ${Math.max(...uses)} %` : "–";
  }

  function values(t) {
    const phase = data.phases.find((p) => p[1] * 100 <= t && t <= p[2] * 100);
    const second = last(load, t), fresh = second && t - second[0] < Math.max(3000, 2 * until / Math.max(1, load.length));
    const all = [["Time", clock(t - from)]];
    if (data.phases.length) all.push(["Phase", phase ? phase[0] : "–"]);
    all.push(["Ready", known(value("ready", t))], ["Set", known(value("spec", t))], ["Decided", known(value("desired", t))],
      ["Asked for", known(value("proposed", t))], ["CPU", known(value("utilization", t), " %")], ["Each pod", spread(t)]);
    if (load.length) all.push(["Requests/s", fresh ? second[1] : "–"], ["p99", fresh && second[2] ? `${(second[2] / 1000).toFixed(1)} ms` : "–"],
      ["Failed", second ? second[3] : "–"], ["Wrong", second ? second[4] : "–"]);
    return all;
  }

  function show(t) {
    chosen = Math.min(until, Math.max(from, t));
    const { left, right } = axis();
    cross.style.left = `${left + (chosen - from) / Math.max(1, until - from) * (right - left)}px`;
    cross.hidden = false;
    const list = document.createElement("dl"), all = values(chosen);
    for (const [name, text] of all) {
      const pair = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
      term.textContent = name; said.textContent = text; pair.append(term, said); list.append(pair);
    }
    const because = document.createElement("p"), sync = last(syncs, chosen);
    because.className = "sentence";
    because.textContent = sync ? `Last sync, ${clock(sync[0] - from)}: ${plain(sync[1])}` : "No sync yet.";
    readout.replaceChildren(list, because);
    box.setAttribute("aria-valuenow", Math.round((chosen - from) / 1000));
    box.setAttribute("aria-valuetext", all.map((pair) => pair.join(" ")).join(", "));
    box.removeAttribute("aria-describedby");
  }

  box.addEventListener("pointermove", (event) => {
    const { begin, left, right } = axis();
    show(from + (event.clientX - begin - left) / (right - left) * (until - from));
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1000, ArrowDown: -1000, ArrowRight: 1000, ArrowUp: 1000, PageUp: 10000, PageDown: -10000 }[event.key];
    if (step) show(chosen + step);
    else if (event.key === "Home") show(from);
    else if (event.key === "End") show(until);
    else return;
    event.preventDefault();
  });
  // A window that is being closed has no width, and no picture that is shown.
  onresize = () => { if (!cross.hidden && box.offsetWidth > 0) show(chosen); };
  return { choose: show, chosen: () => (cross.hidden ? undefined : chosen) };
}
let instants = attach();
