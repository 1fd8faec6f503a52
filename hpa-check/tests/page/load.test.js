// The load generator's page, as a browser shows it: complete in itself, readable in light and dark, on a wide screen and
// on a narrow one, on paper, by pointer and by keyboard. FIB_LOADGEN is the program that draws it, CHROMIUM the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core");
const fixtures = new URL("../../../fib-loadgen/tests/fixtures/", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "load-pages-"));
let browser;

function draw(name) {
  const file = join(folder, `${name}.html`);
  execFileSync(process.env.FIB_LOADGEN, ["report", new URL(`${name}.json`, fixtures).pathname, "-o", `html=${file}`], { stdio: "pipe" });
  return pathToFileURL(file).href;
}

const pages = { "a result merged from four shards": draw("shards"), "a result of the first version": draw("first") };
const screens = [
  ["wide", { width: 1280, height: 900 }],
  ["narrow", { width: 360, height: 740 }],
];

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

for (const [name, address] of Object.entries(pages)) {
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

describe("the run over time", () => {
  const address = pages["a result merged from four shards"];

  test("says every value under the pointer, and draws a line there", async () => {
    const { page } = await open(address, screens[0][1]);
    const chart = page.locator(".chart[role=slider]");
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 100);
    const said = await page.locator(".readout").innerText();
    for (const name of ["Time", "Phase", "Right/s", "Due/s", "p50", "p99.9", "Users", "In flight", "Pods", "Fairness"]) assert.ok(said.includes(name), name);
    assert.match(said, /hold/);
    assert.match(said, /\d ms/);
    assert.ok(await page.locator(".cross").isVisible());
    await page.close();
  });

  test("is walked with the arrow keys, and tells its value to a screen reader", async () => {
    const { page } = await open(address, screens[1][1]);
    const chart = page.locator(".chart[role=slider]");
    await chart.focus();
    await page.keyboard.press("Home");
    assert.equal(await chart.getAttribute("aria-valuenow"), "0");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal(await chart.getAttribute("aria-valuenow"), "2");
    assert.match(await chart.getAttribute("aria-valuetext"), /Pods 3/);
    await page.keyboard.press("End");
    const until = await chart.getAttribute("aria-valuemax");
    assert.equal(await chart.getAttribute("aria-valuenow"), until);
    await page.close();
  });

  test("can be printed: on white, without the pointer's box, and nothing is cut off", async () => {
    const { page } = await open(address, screens[0][1], "dark");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    assert.ok(!(await page.locator(".readout").isVisible()));
    const card = await page.evaluate(() => getComputedStyle(document.querySelector(".facts div")).backgroundColor);
    assert.equal(card, "rgb(255, 255, 255)");
    const cut = await page.evaluate(() => [...document.querySelectorAll(".scroll")].filter((one) => getComputedStyle(one).overflowX !== "visible").length);
    assert.equal(cut, 0, "on paper nothing can be scrolled");
    await page.close();
  });
});
