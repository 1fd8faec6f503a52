"use strict";
// Every value at the instant under the pointer, or at the one that the arrow keys chose. Returns how to
// choose one, and which it is.
function attach() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.querySelector(".chart"), readout = document.querySelector(".readout");
  if (!data || !box) return undefined;
  const cross = box.querySelector(".cross");
  const from = Date.parse(data.from), until = Date.parse(data.until);
  const times = new Map();
  const stamp = (at) => { if (!times.has(at)) times.set(at, Date.parse(at)); return times.get(at); };
  const last = (list, t) => { let found; for (const one of list) { if (stamp(one.at) > t) break; found = one; } return found; };
  const value = (list, t) => { const step = last(list, t); return step ? step.value : undefined; };
  const clock = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; };
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
    const there = data.pods.filter((pod) => pod.request_milli && stamp(pod.first_seen) <= t && !(pod.gone_at && stamp(pod.gone_at) <= t));
    const measured = there.filter((pod) => last(pod.cpu_milli, t));
    const uses = measured.map((pod) => Math.round(value(pod.cpu_milli, t) * 100 / pod.request_milli));
    return uses.length ? `${Math.min(...uses)} to ${Math.max(...uses)} %` : "–";
  }

  function values(t) {
    const phase = data.phases.find((p) => stamp(p.from) <= t && t <= stamp(p.until));
    const load = last(data.load, t), fresh = load && t - stamp(load.at) < 3000;
    return [
      ["Time", clock(t - from)], ["Phase", phase ? phase.phase : "–"],
      ["Ready", known(value(data.ready, t))], ["Set", known(value(data.spec, t))], ["Decided", known(value(data.desired, t))],
      ["Asked for", known(value(data.proposed, t))], ["CPU", known(value(data.utilization, t), " %")], ["Each pod", spread(t)],
      ["Requests/s", fresh ? Math.round(load.rps) : "–"], ["p99", fresh && load.p99_us ? `${(load.p99_us / 1000).toFixed(1)} ms` : "–"],
      ["Failed", load ? load.failed : "–"], ["Wrong", load ? load.wrong : "–"],
    ];
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
    const because = document.createElement("p"), sync = last(data.syncs, chosen);
    because.className = "sentence";
    because.textContent = sync ? `Last sync, ${clock(stamp(sync.at) - from)}: ${plain(sync.sentence)}` : "No sync yet.";
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
