// The pages, as a browser shows them: complete in themselves, readable in light and dark, on a wide screen and on a
// narrow one, by pointer and by keyboard. HPA_CHECK is the program that draws them, CHROMIUM the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core");
const recording = new URL("../recordings/rehearsal.jsonl", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "pages-"));
const program = process.env.HPA_CHECK;
const wave = "0s:100m 60s:1500m 5m:1500m 6m:100m";
let browser;

// Draws a page and gives its address; a run that is no pass ends with another code than 0.
function draw(name, ...flags) {
  const file = join(folder, `${name}.html`);
  try {
    execFileSync(program, [...flags, "-o", `html=${file}`], { stdio: "pipe" });
  } catch (error) {
    if (![91, 92, 93, 99].includes(error.status)) throw error;
  }
  return pathToFileURL(file).href;
}

// What doctor wrote of a fleet: every seventh autoscaler without a request, every eleventh flapping, one ignored.
function fleet(name, size) {
  const reason = (id, outcome) => ({ id, message: `container app has it: ${id}`, evidence: ["pod app-1, container app: none"], fix: "Set one.", outcome });
  const autoscalers = Array.from({ length: size }, (_, n) => ({
    namespace: `team-${Math.floor(n / 20)}`, name: `application-${n}`, owner: n % 3 ? "checkout" : null, target: `Deployment/application-${n}`,
    min_replicas: 3, max_replicas: 12, cpu_target_percent: 50, metrics: ["cpu at 50 %"], requests: [{ name: "app", cpu_request: 100 }],
    explanation: "4 ready pods average 45 % of 100m; stays at 4",
    findings: [...(n % 7 ? [] : [reason("missing-cpu-request", "wrong")]), ...(n % 11 ? [] : [reason("flapping", "wrong")]), ...(n % 13 ? [] : [reason("at-maximum", "pass")])],
    ...(n === 5 && { ignored: [{ ...reason("bounds-leave-no-room", "wrong"), because: "a singleton", by: "flag" }] }),
  }));
  const report = { schema: "hpa-check-doctor/1.3", version: "0.1.0", at: "2026-03-04T10:20:30Z", kubernetes: "1.36", looks: 1, outcome: "wrong", exit_code: 91,
    namespaces: Math.ceil(size / 20), pods: size * 4, autoscalers,
    unseen: [{ rule: "list nodes", error: "nodes is forbidden", consequence: "whether the maximum fits is not seen", essential: false }] };
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(report));
  return draw(name, "report", file);
}

// Two simulations against each other.
function compared() {
  const [a, b] = ["50", "80"].map((target) => {
    const file = join(folder, `${target}.json`);
    execFileSync(program, ["simulate", "--load", wave, "--cpu-target", target, "-o", `json=${file}`], { stdio: "pipe" });
    return file;
  });
  return draw("compared", "compare", a, b);
}

// A day: the recording at a cluster's pace, again and again, as the benchmark has it.
function day() {
  const stamp = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"/g, stretch = 7.5, hours = 24;
  const lines = readFileSync(recording, "utf8").split("\n").filter(Boolean);
  const stamps = lines.flatMap((line) => [...line.matchAll(stamp)].map((found) => Date.parse(found[1])));
  const begun = stamps.reduce((a, b) => Math.min(a, b)), length = (stamps.reduce((a, b) => Math.max(a, b)) - begun) * stretch;
  const setup = lines.filter((line) => /"seen":"(setting|fact)"|"schema":/.test(line));
  const body = lines.filter((line) => !setup.includes(line) && !/"seen":"(load-result|phase)"/.test(line));
  const moved = (copy) => (_, at) => JSON.stringify(new Date(begun + (Date.parse(at) - begun) * stretch + length * copy));
  const copies = Array.from({ length: Math.round(hours * 3600000 / length) }, (_, copy) => body.map((line) => line.replace(stamp, moved(copy))));
  const file = join(folder, "day.jsonl");
  writeFileSync(file, [...setup, ...copies.flat()].join("\n") + "\n");
  return draw("day", "replay", file, "--ui", "none");
}

function pages() {
  const lines = readFileSync(recording, "utf8").split("\n");
  const cut = join(folder, "cut.jsonl");
  writeFileSync(cut, lines.slice(0, Math.floor(lines.length / 3)).join("\n") + "\n");
  return {
    "a run that passed": draw("passed", "replay", recording.pathname, "--ui", "none"),
    "a run that was cut off": draw("cut", "replay", cut, "--ui", "none"),
    "a run of a day": day(),
    "doctor on a fleet": fleet("fleet", 240),
    "doctor on a few": fleet("few", 12),
    "a simulation": draw("simulation", "simulate", "--load", wave),
    "a simulation that breaks its bounds": draw("broken", "simulate", "--load", wave, "--keep-utilization", "20"),
    "a comparison": compared(),
    "a what-if": draw("what-if", "what-if", recording.pathname, "--cpu-target", "80"),
    "a search": draw("search", "simulate", "--load", wave, "--find", "--keep-unserved", "2", "--try-max", "6,10", "--try-window", "60s,5m"),
  };
}

const screens = [
  ["wide", { width: 1280, height: 900 }],
  ["narrow", { width: 390, height: 844 }],
];

// Every page states what was evaluated, in one place.
const settings = {
  "a run that passed": ["Target", "Minimum", "CPU request", "Sync period", "hpa-check", "Command"],
  "doctor on a fleet": ["Looked at", "Kubernetes", "hpa-check", "Exit code"],
  "a simulation": ["Minimum", "CPU request", "Load", "Sync period", "Kubernetes", "Command"],
  "a comparison": ["Minimum", "Sync period", "Command of A", "Command of B", "Command"],
  "a what-if": ["Minimum", "Load", "Command"],
};

async function open(address, viewport, colorScheme = "light") {
  const page = await browser.newPage({ viewport, colorScheme });
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => request.url() !== address && complaints.push(`asks for ${request.url()}`));
  await page.goto(address);
  return { page, complaints };
}

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const drawn = pages();

for (const [name, address] of Object.entries(drawn)) {
  describe(name, () => {
    for (const [width, viewport] of screens) {
      for (const scheme of ["light", "dark"]) {
        test(`is whole, fits and can be read: ${width}, ${scheme}`, async () => {
          const { page, complaints } = await open(address, viewport, scheme);
          assert.deepEqual(complaints, [], "nothing but the file is asked for, and no script fails");
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `the page is ${overflow} px wider than the screen`);
          await page.addScriptTag({ path: axe });
          const { violations } = await page.evaluate(() => globalThis.axe.run());
          assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`), []);
          await page.close();
        });
      }
    }
  });
}

describe("the settings", () => {
  for (const [name, told] of Object.entries(settings)) {
    test(`are stated: ${name}`, async () => {
      const { page } = await open(drawn[name], screens[0][1]);
      const names = await page.locator("section[aria-labelledby=settings] dt").allInnerTexts();
      for (const one of told) assert.ok(names.includes(one), `${one} is not among ${names}`);
      await page.close();
    });
  }
});

describe("the page of a fleet", () => {
  const address = fleet("found", 240);

  test("finds an autoscaler by the keyboard alone, and opens what has it", async () => {
    const { page } = await open(address, screens[1][1]);
    const visible = () => page.locator("details.space tr[data-find]:visible").count();
    assert.equal(await visible(), 0, "a large fleet is folded at first");
    await page.locator("#find").focus();
    await page.keyboard.type("application-77");
    assert.equal(await visible(), 1);
    assert.equal(await page.locator("#found").innerText(), "1 autoscaler");
    assert.equal(await page.locator("article.group:visible").count(), 2, "it has two findings");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("missing-cpu");
    assert.equal(await visible(), 35);
    await page.close();
  });

  test("leads from a finding to the autoscaler's settings and to the explanation", async () => {
    const { page } = await open(address, screens[0][1]);
    const group = page.locator("#cause-missing-cpu-request");
    await group.locator("summary").first().focus();
    if (!(await group.locator("li").first().isVisible())) await page.keyboard.press("Enter");
    await group.locator("li a").first().focus();
    await page.keyboard.press("Enter");
    const row = page.locator("[id='team-0/application-0']");
    await row.waitFor({ state: "visible" });
    assert.match(await row.innerText(), /3 to 12\s+cpu at 50 %\s+100m/);
    const explained = await group.locator("a[href*='findings.md#:~:text=missing-cpu-request']").getAttribute("href");
    assert.match(explained, /^https:\/\//);
    await page.close();
  });

  test("can be printed whole: what is folded is open, and the field is gone", async () => {
    const { page } = await open(address, screens[0][1], "dark");
    await page.emulateMedia({ media: "print" });
    assert.ok(await page.locator("details.space tr[data-find]").last().isVisible());
    assert.ok(!(await page.locator("#find").isVisible()));
    await page.close();
  });
});

describe("the timeline", () => {
  const address = drawn["a run that passed"];

  test("says every value under the pointer, and draws a line there", async () => {
    const { page } = await open(address, screens[0][1]);
    const chart = page.locator(".chart");
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 100);
    const said = await page.locator(".readout").innerText();
    for (const name of ["Time", "Phase", "Ready", "CPU", "Requests/s", "Last sync"]) assert.match(said, new RegExp(name));
    assert.match(said, /hold/);
    assert.ok(await page.locator(".cross").isVisible());
    await page.close();
  });

  test("is walked with the arrow keys, and tells its value to a screen reader", async () => {
    const { page } = await open(address, screens[0][1]);
    const chart = page.locator(".chart");
    await chart.focus();
    await page.keyboard.press("Home");
    assert.equal(await chart.getAttribute("aria-valuenow"), "0");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal(await chart.getAttribute("aria-valuenow"), "2");
    assert.match(await chart.getAttribute("aria-valuetext"), /Ready 3/);
    await page.keyboard.press("End");
    assert.match(await page.locator(".readout").innerText(), /done/);
    await page.close();
  });

  test("keeps its line at its instant when the window changes", async () => {
    const { page } = await open(address, screens[0][1]);
    await page.locator(".chart").focus();
    await page.keyboard.press("End");
    await page.setViewportSize(screens[1][1]);
    const box = await page.locator(".chart").boundingBox();
    const cross = await page.locator(".cross").boundingBox();
    assert.ok(cross.x > box.x + box.width * 0.8 && cross.x < box.x + box.width, `the line is at ${cross.x}`);
    await page.close();
  });

  test("shows the values beside the pointer on a wide screen, and below the picture on a narrow one", async () => {
    for (const [width, viewport] of screens) {
      const { page } = await open(address, viewport);
      const chart = page.locator(".chart");
      await chart.scrollIntoViewIfNeeded();
      const box = await chart.boundingBox();
      for (const share of [0.25, 0.9]) {
        await page.mouse.move(box.x + box.width * share, box.y + 60);
        const [said, cross] = [await page.locator(".readout").boundingBox(), await page.locator(".cross").boundingBox()];
        const apart = share < 0.5 ? said.x - cross.x : cross.x - said.x - said.width;
        if (width === "wide") assert.ok(apart > 0 && apart < 40, `${apart} px from the pointer`);
        else assert.ok(said.y >= box.y + box.height, "below the picture");
      }
      await page.close();
    }
  });

  // The labels of the time axis that are shown.
  const labels = (page) => page.locator("svg.wide .ticks text").allTextContents();

  test("is enlarged by dragging, by keys and by buttons, and shown whole again", async () => {
    const { page, complaints } = await open(address, screens[0][1]);
    const whole = await labels(page), chart = page.locator(".chart");
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 100, { steps: 5 });
    assert.ok(await page.locator(".zone").isVisible());
    await page.mouse.up();
    assert.ok(!(await page.locator(".zone").isVisible()));
    const dragged = await labels(page);
    assert.notDeepEqual(dragged, whole);
    assert.match(await page.locator(".zoom output").innerText(), /^\d+:\d\d to \d+:\d\d$/);
    // What is drawn is cut off at its frame.
    const frames = await page.evaluate(() => [...document.querySelectorAll("svg.wide svg")].map((one) => [one.x.baseVal.value, getComputedStyle(one).overflow, one.closest(".timeline").dataset.left]));
    assert.ok(frames.length > 0);
    for (const [x, overflow, left] of frames) assert.deepEqual([String(x), overflow], [left, "hidden"]);
    await chart.focus();
    await page.keyboard.press("0");
    assert.deepEqual(await labels(page), whole);
    await page.keyboard.press("+");
    assert.notDeepEqual(await labels(page), whole);
    await page.keyboard.press("End");
    assert.match(await page.locator(".readout").innerText(), /done/);
    await page.locator(".zoom button[value=all]").click();
    assert.deepEqual(await labels(page), whole);
    assert.deepEqual(complaints, []);
    await page.addScriptTag({ path: axe });
    await page.locator(".zoom button[value=in]").click();
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map((v) => v.id), []);
    await page.close();
  });

  test("is reached from every time in a table", async () => {
    const { page } = await open(address, screens[0][1]);
    const button = page.locator("section[aria-labelledby=decisions] button.at").first();
    const told = await button.innerText();
    await button.focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator(".readout").innerText(), new RegExp(`Time\\s+${told}`));
    await page.close();
  });

  test("is reached from every finding by keyboard, enlarged around its moment", async () => {
    const { page, complaints } = await open(address, screens[0][1]);
    const link = page.locator("article a.at[data-at]").first();
    const told = (await link.innerText()).match(/At (\S+) on the timeline/)[1];
    await link.focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator(".readout").innerText(), new RegExp(`Time\\s+${told}`));
    assert.ok(await page.locator(".chart").evaluate((one) => one === document.activeElement));
    assert.deepEqual(complaints, []);
    const about = await page.locator("article a[href*='findings.md']").first().getAttribute("href");
    assert.match(about, /^https:\/\//);
    await page.close();
  });

  test("can be printed: all that is folded is open and the pointer's box is gone", async () => {
    const { page } = await open(address, screens[0][1]);
    await page.emulateMedia({ media: "print" });
    assert.ok(await page.locator("article li").first().isVisible());
    assert.ok(!(await page.locator(".readout").isVisible()));
    await page.close();
  });
});

describe("the page of a day", () => {
  const address = drawn["a run of a day"];

  test("is less than 2 MB, and says what it joins and where all of it is", async () => {
    const bytes = statSync(fileURLToPath(address)).size;
    assert.ok(bytes < 2e6, `${bytes} bytes`);
    const { page } = await open(address, screens[0][1]);
    assert.match(await page.locator("section[aria-labelledby=timeline] .note").innerText(), /Of every \d+ s the picture shows.*JSON result/);
    const folded = page.locator("section[aria-labelledby=decisions] details.rows:not([open])");
    assert.ok((await folded.count()) >= 18, "most hours are folded");
    const row = page.locator("section[aria-labelledby=decisions] td").last();
    assert.ok(!(await row.isVisible()));
    await folded.last().locator("summary").click();
    assert.ok(await row.isVisible());
    await page.close();
  });

  // Elements cost layout and paint on every move; their number does not depend on how busy this machine is.
  test("has few elements to draw, and a move of the pointer changes none of the picture's", async () => {
    const { page } = await open(address, screens[0][1]);
    const chart = page.locator(".chart");
    await chart.scrollIntoViewIfNeeded();
    assert.ok((await chart.locator("svg *").count()) < 1000);
    await page.evaluate(() => {
      globalThis.changes = 0;
      const count = (all) => { globalThis.changes += all.length; };
      for (const svg of document.querySelectorAll(".chart svg")) new MutationObserver(count).observe(svg, { subtree: true, childList: true, attributes: true });
    });
    const box = await chart.boundingBox();
    for (let x = 80; x < box.width - 20; x += 40) await page.mouse.move(box.x + x, box.y + 100);
    assert.equal(await page.evaluate(() => globalThis.changes), 0);
    assert.match(await page.locator(".readout").innerText(), /Requests\/s\s+\d+/);
    await page.close();
  });
});

describe("a simulation's page", () => {
  test("says SIMULATED and that bounds are not kept, and nothing of a cluster, in what is seen", async () => {
    for (const [name, said] of [["a simulation", /^SIMULATED$/], ["a simulation that breaks its bounds", /^SIMULATED: BOUNDS NOT KEPT$/]]) {
      const { page } = await open(drawn[name], screens[0][1]);
      assert.match(await page.locator(".badge").innerText(), said);
      const text = await page.locator("body").innerText();
      for (const wrong of [/PASS/, /2026/, /syncs were seen/]) assert.doesNotMatch(text, wrong);
      await page.close();
    }
  });

  test("reads every value at an instant by keyboard, without a load generator's", async () => {
    const { page } = await open(drawn["a simulation"], screens[0][1]);
    await page.locator(".chart").focus();
    await page.keyboard.press("End");
    const said = await page.locator(".readout").innerText();
    for (const name of ["Time", "Ready", "Set", "CPU", "Each pod", "Last sync"]) assert.match(said, new RegExp(name));
    assert.doesNotMatch(said, /Requests|Phase/);
    await page.close();
  });

  test("draws nothing on top of something else: no two labels of the picture overlap", async () => {
    for (const [, viewport] of screens) {
      const { page } = await open(drawn["a simulation"], viewport);
      const overlaps = await page.evaluate(() => {
        const svg = [...document.querySelectorAll(".chart svg")].find((one) => one.getBoundingClientRect().width > 0);
        const boxes = [...svg.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
        const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
        return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([, b]) => !apart(a, b)).map(([two]) => `${one} on ${two}`));
      });
      assert.deepEqual(overlaps, []);
      await page.close();
    }
  });

  test("shows the search's table, the misses and the winner, which the keyboard reaches", async () => {
    const { page } = await open(drawn["a search"], screens[0][1]);
    const table = page.locator("section[aria-labelledby=search] table");
    assert.match(await table.innerText(), /missed/);
    assert.match(await page.locator("pre").first().innerText(), /kind: HorizontalPodAutoscaler/);
    assert.match(await page.locator("pre").last().innerText(), /kubectl patch hpa/);
    await page.close();
  });
});

describe("a comparison's page", () => {
  test("reads the values of both at an instant, and says which rule was broken", async () => {
    const { page } = await open(drawn["a comparison"], screens[0][1]);
    assert.match(await page.locator(".badge").innerText(), /REGRESSION/);
    await page.locator(".chart").focus();
    await page.keyboard.press("PageUp");
    const said = await page.locator(".readout").innerText();
    for (const name of ["A: Set", "B: Set", "A: Last sync", "B: Last sync"]) assert.match(said, new RegExp(name));
    await page.close();
  });
});
