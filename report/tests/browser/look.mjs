// Opens a page in Chromium as a reader would: wide and on a phone, light and dark. Fails where the console has
// an error, where a request leaves the page, where a text is cut off or lies on another, or where a click does
// not do what it says.
//
//   node look.mjs PAGE.html FOLDER    screenshots go into FOLDER

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [page, folder] = process.argv.slice(2);
const url = pathToFileURL(page).href;
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // A sandbox needs a user that is not root.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

/** Texts of visible charts that lie on one another or outside of their chart. */
const clashes = () => {
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...svg.querySelectorAll("text")].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    texts.forEach(({ text, box }, index) => {
      if (box.left < frame.left - 12 || box.right > frame.right + 12) found.push(`"${text}" leaves its chart`);
      for (const other of texts.slice(index + 1)) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 2 && down > 4) found.push(`"${text}" lies on "${other.text}"`);
      }
    });
  }
  return found;
};

const look = async (name, width, scheme) => {
  const context = await browser.createBrowserContext(); // knows of no theme that was chosen before
  const tab = await context.newPage();
  const wrong = [];
  tab.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  tab.on("pageerror", (error) => wrong.push(error.message));
  tab.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) wrong.push(`asked for ${request.url()}`);
  });
  await tab.setViewport({ width, height: 900 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(url, { waitUntil: "load" });
  await tab.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

  assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it scrolls sideways");
  assert.deepEqual(await tab.evaluate(clashes), []);

  const walls = () => tab.$eval("#results .broad tbody", (body) => [...body.rows].map((row) => Number(row.cells[1].dataset.v)));
  const sorted = (figures) => figures.toSorted((a, b) => a - b);
  for (const direction of ["ascending", "descending"]) {
    await tab.click("#results .broad th:nth-child(2) button");
    const expected = direction === "ascending" ? sorted(await walls()) : sorted(await walls()).reverse();
    assert.deepEqual(await walls(), expected);
    assert.equal(await tab.$eval("#results .broad th:nth-child(2)", (head) => head.ariaSort), direction);
  }

  const copies = await tab.evaluate(() => [...document.querySelectorAll("table")].map((table) => csv(table).trimEnd().split("\n")));
  for (const [keys, ...lines] of copies) {
    const cells = (line) => line.replaceAll(/"([^"]|"")*"/g, "").split(",").length;
    for (const line of lines) assert.equal(cells(line), cells(keys), line);
  }
  assert.deepEqual(await tab.evaluate(() => ["=1+1", "-1+1", "-1.5", "a"].map(harmless)), ["'=1+1", "'-1+1", "-1.5", "a"]);

  const shown = width > 640 ? ".wide" : ".narrow";
  await tab.$eval(`#bars ${shown} .mark`, async (mark) => {
    mark.scrollIntoView({ block: "center", behavior: "instant" });
    await new Promise((done) => setTimeout(done, 200)); // what scrolls hides its tooltip
  });
  await tab.hover(`#bars ${shown} .mark`);
  const tip = await tab.waitForSelector("#tip:not([hidden])", { timeout: 5000 });
  assert.match(await tip.evaluate((tip) => tip.textContent), /\nwall /);
  await tab.screenshot({ path: `${folder}/${name}-tooltip.png` });

  await tab.click("#bars summary");
  await tab.waitForSelector("#bars table", { visible: true, timeout: 5000 });
  await (await tab.$("#bars")).screenshot({ path: `${folder}/${name}-data.png` });

  const ground = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await ground();
  await tab.click("#theme");
  assert.notEqual(await ground(), before);

  await tab.$eval(`#bars ${shown} svg`, (svg) => svg.focus());
  await tab.keyboard.press("ArrowDown");
  assert.ok(await tab.$("#tip:not([hidden])"), "the arrow keys reach no mark");

  assert.deepEqual(wrong, []);
  await context.close();
};

try {
  for (const scheme of ["light", "dark"]) {
    await look(`desktop-${scheme}`, 1280, scheme);
    await look(`phone-${scheme}`, 375, scheme);
  }
} finally {
  await browser.close();
}
