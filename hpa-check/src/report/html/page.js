"use strict";
// Every value at the instant under the pointer, or at the one that the arrow keys chose, and a part of the time
// enlarged. Returns how to choose an instant and a part, and which they are.
function attach() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.querySelector(".chart"), readout = document.querySelector(".readout");
  if (!data || !box) return undefined;
  const cross = box.querySelector(".cross"), zone = box.querySelector(".zone"), tools = document.querySelector(".zoom");
  // Times are whole tenths of a second, each since the one before.
  const rows = (flat, width) => { const list = []; for (let i = 0, t = 0; i < flat.length; i += width) { t += flat[i] * 100; list.push([t, ...flat.slice(i + 1, i + width)]); } return list; };
  const until = data.length * 100;
  const clock = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); const two = (n) => String(n).padStart(2, "0"), m = Math.floor(s / 60);
    return m < 60 ? `${m}:${two(s % 60)}` : `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}`; };
  // Text of the world must not turn the direction of what stands around it.
  const plain = (text) => text.replace(/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  const known = (v, unit = "") => v === undefined || v === null ? "–" : v + unit;
  const last = (list, t) => { let low = 0, high = list.length; while (low < high) { const middle = (low + high) >> 1; if (list[middle][0] > t) high = middle; else low = middle + 1; } return list[low - 1]; };
  const sides = (data.sides || [{ name: "", offset: 0, data }]).map(side);
  let chosen = 0, part = [0, until];

  // One timeline: a page has one, or two that are compared.
  function side({ name, offset, data }) {
    const length = data.length * 100, shift = offset * 100;
    const steps = Object.fromEntries(["ready", "spec", "desired", "proposed", "utilization"].map((series) => [series, rows(data[series] || [], 2)]));
    const joined = data.load.joined, load = rows(data.load.points, joined > 1 ? 7 : 5), syncs = rows(data.syncs, 2);
    const pods = data.pods.map(([first, gone, flat]) => ({ first: first * 100, gone: gone === null ? Infinity : gone * 100, percent: rows(flat, 2) }));
    const value = (series, t) => { const step = last(steps[series], t); return step ? step[1] : undefined; };

    // Of several seconds the mean, and between which rates.
    const rate = (second) => joined > 1 && second[5] !== second[6] ? `${second[1]} (${second[5]} to ${second[6]})` : second[1];

    // The use of the pods that ran then, from the idlest to the busiest, in percent of the request.
    function spread(t) {
      const there = pods.filter((pod) => pod.first <= t && t < pod.gone);
      const uses = there.map((pod) => last(pod.percent, t)).filter(Boolean).map((step) => step[1]);
      return uses.length ? `${Math.min(...uses)} to ${Math.max(...uses)} %` : "–";
    }

    function values(at) {
      const t = at - shift;
      if (name && (t < 0 || t > length)) return [[name, "not there"]];
      const phase = data.phases.find((p) => p[1] * 100 <= t && t <= p[2] * 100);
      const second = last(load, t), fresh = second && t - second[0] < Math.max(3000, 2 * length / Math.max(1, load.length));
      const all = data.phases.length ? [["Phase", phase ? phase[0] : "–"]] : [];
      all.push(["Ready", known(value("ready", t))], ["Set", known(value("spec", t))], ["Decided", known(value("desired", t))],
        ["Asked for", known(value("proposed", t))], ["CPU", known(value("utilization", t), " %")], ["Each pod", spread(t)]);
      if (load.length) all.push(["Requests/s", fresh ? rate(second) : "–"], ["p99", fresh && second[2] ? `${(second[2] / 1000).toFixed(1)} ms` : "–"],
        ["Failed", second ? second[3] : "–"], ["Wrong", second ? second[4] : "–"]);
      return name ? all.map(([term, text]) => [`${name}: ${term}`, text]) : all;
    }

    function sentence(at) {
      const sync = last(syncs, at - shift);
      return (name ? `${name}: ` : "") + (sync ? `Last sync, ${clock(sync[0] + shift)}: ${plain(data.sentences[sync[1]])}` : "No sync yet.");
    }
    return { values, sentence };
  }

  // The picture that is shown, and where its time axis begins and ends on the page.
  function axis() {
    const svg = [...box.querySelectorAll("svg.timeline")].find((one) => one.getBoundingClientRect().width > 0);
    const area = svg.getBoundingClientRect(), scale = area.width / svg.viewBox.baseVal.width;
    return { begin: area.left, left: svg.dataset.left * scale, right: svg.dataset.right * scale, width: area.width };
  }
  const place = (t, { left, right }) => left + (t - part[0]) / Math.max(1, part[1] - part[0]) * (right - left);
  const instant = (x, { begin, left, right }) => part[0] + Math.min(1, Math.max(0, (x - begin - left) / (right - left))) * (part[1] - part[0]);

  function show(t) {
    chosen = Math.min(until, Math.max(0, t));
    if (chosen < part[0] || chosen > part[1]) { const half = (part[1] - part[0]) / 2; zoom(chosen - half, chosen + half); }
    const there = axis(), x = place(chosen, there);
    cross.style.transform = `translateX(${x}px)`;
    cross.hidden = false;
    const list = document.createElement("dl"), all = [["Time", clock(chosen)], ...sides.flatMap((one) => one.values(chosen))];
    for (const [name, text] of all) {
      const pair = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
      term.textContent = name; said.textContent = text; pair.append(term, said); list.append(pair);
    }
    const because = sides.map((one) => { const p = document.createElement("p"); p.className = "sentence"; p.textContent = one.sentence(chosen); return p; });
    readout.replaceChildren(list, ...because);
    readout.hidden = false;
    // Beside the instant, on the side where there is more room.
    readout.style.left = x < there.width / 2 ? `${x + 12}px` : "auto";
    readout.style.right = x < there.width / 2 ? "auto" : `${there.width - x + 12}px`;
    box.setAttribute("aria-valuenow", Math.round(chosen / 1000));
    box.setAttribute("aria-valuetext", all.map((pair) => pair.join(" ")).join(", "));
    box.removeAttribute("aria-describedby");
  }

  // Shows a part of the time: what is drawn moves into a picture of its own whose width is stretched, and the
  // letters, which must not be stretched, get new places.
  function zoom(from, to) {
    const shortest = Math.min(until, 10000), wide = Math.min(until, Math.max(shortest, to - from));
    const begin = Math.min(until - wide, Math.max(0, from));
    part = [begin, begin + wide];
    for (const svg of box.querySelectorAll("svg.timeline")) stretch(svg);
    const whole = wide >= until;
    box.classList.toggle("zoomed", !whole);
    for (const button of tools.querySelectorAll("button")) button.disabled = button.value === "in" ? wide <= shortest : whole;
    tools.querySelector("output").textContent = whole ? "" : `${clock(part[0])} to ${clock(part[1])}`;
    if (!cross.hidden) show(Math.min(part[1], Math.max(part[0], chosen)));
  }

  const SVG = "http://www.w3.org/2000/svg";
  function stretch(svg) {
    const left = +svg.dataset.left, right = +svg.dataset.right, height = svg.viewBox.baseVal.height;
    if (!svg.querySelector("svg")) {
      if (part[1] - part[0] >= until) return;
      const inner = () => { const one = document.createElementNS(SVG, "svg"); one.setAttribute("preserveAspectRatio", "none"); return one; };
      const behind = svg.querySelector("g.behind"), front = inner();
      const drawn = [...svg.children].filter((one) => one.matches("path, rect:not(.sheet)"));
      const letters = [...svg.querySelectorAll(":scope > text, .behind text")].filter((one) => +one.getAttribute("x") >= left);
      if (behind) { const back = inner(); behind.replaceWith(back); back.append(behind); }
      svg.append(front); front.append(...drawn); svg.append(...letters);
      for (const one of letters) one.dataset.x = one.getAttribute("x");
    }
    const share = (t) => left + t / Math.max(1, until) * (right - left), first = share(part[0]), width = share(part[1]) - first;
    for (const one of svg.querySelectorAll("svg")) {
      for (const [name, value] of Object.entries({ x: left, y: 0, width: right - left, height, viewBox: `${first} 0 ${width} ${height}` })) one.setAttribute(name, value);
    }
    for (const one of svg.querySelectorAll("text[data-x]")) {
      const x = left + (one.dataset.x - first) / width * (right - left);
      one.setAttribute("x", x);
      const begins = x - one.getComputedTextLength() * ({ end: 1, middle: 0.5 }[one.getAttribute("text-anchor")] || 0);
      one.setAttribute("visibility", Math.min(x, begins) < left - 8 || x > right ? "hidden" : "visible");
    }
    ticks(svg, left, right);
  }

  // A label of the time axis: 1:05, 1:02:05, and from a day on 1 d or 1 d 12 h.
  const tick = (s) => { const days = Math.floor(s / 86400), rest = s % 86400; return !days || rest % 3600 ? clock(s * 1000) : rest ? `${days} d ${rest / 3600} h` : `${days} d`; };
  // The labels of the time axis, at least 64 px from one another.
  function ticks(svg, left, right) {
    const group = svg.querySelector(".ticks"), bottom = +group.dataset.bottom, a_second = (right - left) / Math.max(1, part[1] - part[0]) * 1000;
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200].find((one) => one * a_second >= 64) || 86400;
    group.replaceChildren();
    for (let second = Math.ceil(part[0] / 1000 / step) * step; second * 1000 <= part[1]; second += step) {
      const x = left + (second - part[0] / 1000) * a_second, mark = document.createElementNS(SVG, "path"), label = document.createElementNS(SVG, "text");
      mark.setAttribute("class", "grid"); mark.setAttribute("d", `M${x} ${bottom}V${bottom + 4}`);
      for (const [name, value] of Object.entries({ class: "label", x, y: bottom + 17, "text-anchor": "middle" })) label.setAttribute(name, value);
      label.textContent = tick(second);
      group.append(mark, label);
    }
  }
  // Around the chosen instant, which stays where it is on the sheet.
  const around = (factor) => { const t = cross.hidden ? (part[0] + part[1]) / 2 : chosen; zoom(t - (t - part[0]) * factor, t + (part[1] - t) * factor); };

  let dragged;
  box.addEventListener("pointerdown", (event) => { if (event.pointerType !== "touch" && event.button === 0) { dragged = event.clientX; box.setPointerCapture(event.pointerId); } });
  box.addEventListener("pointermove", (event) => {
    const there = axis();
    show(instant(event.clientX, there));
    if (dragged === undefined || Math.abs(event.clientX - dragged) < 6) return;
    const [one, other] = [dragged, event.clientX].map((x) => place(instant(x, there), there));
    zone.style.left = `${Math.min(one, other)}px`; zone.style.width = `${Math.abs(one - other)}px`; zone.hidden = false;
  });
  const drop = (event) => {
    const from = dragged; dragged = undefined;
    if (zone.hidden) return;
    zone.hidden = true;
    const there = axis(), ends = [from, event.clientX].map((x) => instant(x, there));
    if (event.type === "pointerup") zoom(Math.min(...ends), Math.max(...ends));
  };
  box.addEventListener("pointerup", drop);
  box.addEventListener("pointercancel", drop);
  box.addEventListener("dblclick", () => zoom(0, until));
  box.addEventListener("pointerleave", () => { if (document.activeElement !== box) { readout.hidden = true; cross.hidden = true; } });
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // A second, or a pixel where a pixel is more.
    const pixel = Math.max(1000, Math.round((part[1] - part[0]) / 900 / 1000) * 1000);
    const step = { ArrowLeft: -pixel, ArrowDown: -pixel, ArrowRight: pixel, ArrowUp: pixel, PageUp: 10 * pixel, PageDown: -10 * pixel }[event.key];
    if (step) show(chosen + step);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(until);
    else if (event.key === "+" || event.key === "=") around(0.5);
    else if (event.key === "-") around(2);
    else if (event.key === "0" || event.key === "Escape") zoom(0, until);
    else return;
    event.preventDefault();
  });
  tools.addEventListener("click", (event) => {
    const what = event.target.value;
    if (what === "in") around(0.5); else if (what === "out") around(2); else if (what === "all") zoom(0, until);
  });
  // An instant that a table or a finding names leads to its place on the timeline.
  const to = (text) => text.split(":").reduce((sum, one) => sum * 60 + +one, 0) * 1000;
  for (const cell of document.querySelectorAll(".times td:first-child")) {
    if (cell.firstElementChild || !/^\d+:\d\d(:\d\d)?$/.test(cell.textContent)) continue;
    const button = document.createElement("button");
    button.className = "at"; button.textContent = cell.textContent; button.title = "Show on the timeline";
    cell.replaceChildren(button);
  }
  // A finding's link also enlarges what is around it; one that holds throughout shows the whole.
  for (const one of document.querySelectorAll(".at")) {
    one.addEventListener("click", (event) => {
      event.preventDefault();
      box.focus({ preventScroll: true });
      box.scrollIntoView({ block: "nearest" });
      const t = one.matches("button") && !one.dataset.at ? to(one.textContent) : +one.dataset.at;
      if (one.matches("a")) { const half = Math.max(60000, until / 20); if (one.dataset.at) zoom(t - half, t + half); else zoom(0, until); }
      if (!Number.isNaN(t)) show(t);
    });
  }
  // A window that is being closed has no width, and no picture that is shown.
  onresize = () => { if (!cross.hidden && box.offsetWidth > 0) show(chosen); };
  zoom(0, until);
  return { choose: show, chosen: () => (cross.hidden ? undefined : chosen), zoom, part: () => part, whole: () => part[1] - part[0] >= until };
}
let instants = attach();
