// Tests the pages in a browser. main.rs starts this script, and passes the paths of the programs that it needs.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";

const { SUBJECT, CLIENTS, SCREENSHOTS } = process.env;
const require = createRequire(`${CLIENTS}/node_modules/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pa11y = require("pa11y");
const puppeteer = require("puppeteer");
const vnu = String(require("vnu-jar"));
const CHROMIUM = "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const LIMIT = 30_000;

/** The service, which takes commands. */
class Service {
  static async start(address = "127.0.0.1:0", scene = "") {
    const service = new Service();
    service.process = spawn(SUBJECT, [`addr=${address}`, "delay=0", `scene=${scene}`], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, DB_PASSWORD: "correct horse", COLOUR: "<b>violet</b>" },
    });
    service.lines = createInterface({ input: service.process.stdout })[Symbol.asyncIterator]();
    const { value } = await service.lines.next();
    service.address = value.replace("listening ", "");
    return service;
  }
  async tell(command) {
    this.process.stdin.write(`${command}\n`);
    assert.equal((await this.lines.next()).value, "done");
  }
  async kill() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }
}

let browser, service, page, context, problems;

/** A page, all of whose complaints are collected. */
const open = async (path, options = {}) => {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  page.on("console", (message) => {
    // Chromium logs an error for every response with the status 503, which is expected here.
    const isProblem = message.type() === "error" && !message.text().includes("status of 503");
    if (isProblem) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    const ours = request.url().startsWith(`http://${service.address}/`) || request.url().startsWith("data:");
    if (!ours) problems.push(`asked for ${request.url()}`);
  });
  // Only the page itself gets the events about violations of its content security policy.
  await page.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) => console.error(`forbidden: ${event.blockedURI}`)));
  await page.goto(`http://${service.address}${path}`);
  return page;
};
const row = (name) => page.locator(`.check[data-key="${name}"]`);
const shown = () => page.locator(".check:visible h3").allInnerTexts();
const headline = (text) => page.locator("#headline", { hasText: text }).waitFor();
const shot = (name) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
  });
  console.log(`against Chromium ${browser.version()}, axe-core ${require("axe-core/package.json").version}`);
});
after(() => browser?.close());
/** A service of its own for each test of a suite. */
const withService = () => {
  beforeEach(async () => {
    problems = [];
    service = await Service.start();
  });
  afterEach(async () => {
    await context?.close();
    await service.kill();
  });
};

describe("the status page", () => {
  withService();
  test("sees a check fail and recover without a reload and without a flicker", async () => {
    await open("/healthcheck");
    await headline("All 5 checks are passing");
    assert.match(await page.title(), /^✓ All 5 checks are passing/);
    await page.evaluate(() => {
      window.loadedOnce = [...document.querySelectorAll(".check, .verdict, main")];
    });
    await page.locator("#pause").focus();
    await service.tell("fail database connection refused");
    await headline("1 of 5 checks is failing");
    assert.equal(await row("database").locator(".output").innerText(), "connection refused");
    assert.match(await row("database").innerText(), /failing since/);
    assert.match(await page.title(), /^✕/);
    assert.equal(await page.locator("#said").textContent(), "1 of 5 checks is failing. database: fail");
    await shot("failing");
    await service.tell("pass database back again");
    await headline("All 5 checks are passing");
    assert.match(await row("database").innerText(), /passing since/);
    assert.equal(await row("database").locator(".cell").count(), 3);
    // A row that is the same keeps its element.
    assert.equal(await page.evaluate(() => window.loadedOnce.every((element) => element.isConnected)), true);
    assert.equal(await page.evaluate(() => document.activeElement.id), "pause");
    assert.deepEqual(problems, []);
  });

  test("tells of a check what it is, what it says, how long it took, how old that is and how long it holds", async () => {
    await open("/healthcheck");
    const disk = row("disk");
    assert.equal(await disk.locator(".description").innerText(), "There is room on the disk.");
    assert.deepEqual(await disk.locator(".labels li").allInnerTexts(), ["readiness", "storage", "system"]);
    assert.equal(await disk.locator(".output").innerText(), "fine");
    assert.equal(await disk.locator(".strip .cell.pass").count(), 1);
    assert.deepEqual(await row("recommendations").locator(".labels li").allInnerTexts(),
      ["readiness", "not critical", "external"]);
    // What isn't cached isn't fresh.
    assert.equal(await disk.locator("dd:visible").count(), 2);
    assert.equal(await disk.locator(".changes").innerText(), "no change");
    await row("worker").locator("dd", { hasText: "s ago" }).waitFor();
    const [took, ran, fresh] = await row("worker").locator("dd").allInnerTexts();
    assert.match(took, /^[\d.]+ (µs|ms|s)$/);
    assert.match(ran, /^\d+ s ago$/);
    assert.match(fresh, /^for (60|5\d) s$/);
    // The script of the page updates both times without asking the server.
    await page.locator("#pause").click();
    for (const [index, before] of [[1, ran], [2, fresh]]) {
      await row("worker").locator("dd").nth(index).filter({ hasNotText: before }).waitFor();
    }
  });

  test("names the service and its version, and shows the worst first", async () => {
    await service.tell("warn disk 9 % left");
    await service.tell("fail worker no beat for 40 s");
    await open("/healthcheck");
    assert.match(await page.title(), / · orders 1\.2\.3$/);
    assert.equal(await page.locator("header .service").innerText(), "orders 1.2.3");
    assert.deepEqual(await shown(), ["worker", "disk", "<script>alert(1)", "database", "recommendations"]);
    assert.equal(await row("worker").locator(".changes").innerText(), "no change");
    // A row that moves up keeps the focus.
    await row("recommendations").locator("h3 a").focus();
    await service.tell("fail recommendations no answer");
    await headline("2 of 5 checks are failing, 1 has a warning");
    assert.deepEqual((await shown()).slice(0, 3), ["recommendations", "worker", "disk"]);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "recommendations");
    // Of sizes and times, too, people read the unit.
    assert.equal(await page.locator("#sections .field", { hasText: "image_bytes" }).locator("dd").innerText(), "3.2 MiB");
    assert.deepEqual(problems, []);
  });

  test("says whose a shared check is, what to do, that the instance stays in rotation, and what is left of fail_after", async () => {
    await service.kill();
    service = await Service.start(undefined, "shared");
    await open("/readyz");
    await headline("All 6 checks are passing");
    await service.tell("fail etcd no leader");
    await service.tell("fail queue connection refused");
    await headline("1 of 6 checks is failing, 1 has a warning");
    assert.equal(await page.locator(".verdict .word").innerText(), "DEGRADED");
    const said = await row("etcd").locator(".said").innerText();
    for (const text of ["shared: keeps the instance in rotation", "An election takes 10 s: wait.", "owner: the platform team",
      "runbook: https://runbooks.example/etcd"]) assert.ok(said.includes(text), said);
    assert.match(await row("queue").locator(".said").innerText(), /becomes a failure at [\d:]+.* \(in (60|5\d) s\)/);
  });

  test("keeps what is unfolded, chosen and focused while it changes", async () => {
    await fetch(`http://${service.address}/healthcheck`);
    await service.tell("fail database connection refused");
    await open("/healthcheck");
    await row("database").locator("summary").click();
    await page.locator("label.fail").click();
    await row("database").locator("h3 a").focus();
    await service.tell("fail disk full");
    await headline("2 of 5 checks are failing");
    assert.equal(await row("database").locator("details").getAttribute("open"), "");
    assert.deepEqual(await shown(), ["database", "disk"]);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "database");
  });

  test("filters by verdict and by tag, also with the keyboard", async () => {
    await service.tell("fail recommendations no answer");
    await service.tell("warn disk 9 % left");
    await open("/healthcheck");
    await headline("1 of 5 checks is failing, 1 has a warning");
    assert.equal(await page.locator(".verdict .word").innerText(), "DEGRADED");
    await page.locator("#show-all").focus();
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await shown(), ["recommendations"]);
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await shown(), ["disk"]);
    await page.locator("label.all").click();
    await page.locator("a.tag", { hasText: "storage" }).click();
    await headline("1 of 2 checks has a warning");
    assert.deepEqual(await shown(), ["disk", "database"]);
    assert.match(page.url(), /\?tag=storage$/);
    await page.locator("a.tag", { hasText: "external" }).click();
    await headline("1 of 3 checks is failing, 1 has a warning");
    await page.goBack();
    await headline("1 of 2 checks has a warning");
    await page.locator("label.pass").click();
    assert.deepEqual(await shown(), ["database"]);
    await page.locator("label.fail").click();
    assert.deepEqual(await shown(), []);
    assert.equal(await page.locator("#none").isVisible(), true);
    assert.deepEqual(problems, []);
  });

  test("says that it lost the server, and goes on when it is back", async () => {
    await open("/healthcheck");
    await page.locator("#link", { hasText: "Live" }).waitFor();
    const { address } = service;
    await service.kill();
    await page.locator("#link", { hasText: "Lost the server at" }).waitFor();
    assert.match(await page.title(), /^\? /);
    await shot("lost");
    assert.deepEqual((await shown()).length, 5);
    service = await Service.start(address);
    await service.tell("fail database connection refused");
    await headline("1 of 5 checks is failing");
    await page.locator("#link", { hasText: "Live" }).waitFor();
    assert.match(await page.title(), /^✕ /);
  });

  test("can be paused", async () => {
    await open("/healthcheck");
    await page.getByRole("button", { name: "Pause" }).click();
    assert.equal(await page.locator("#link").innerText(), "Paused");
    let asked = 0;
    page.on("request", () => asked++);
    await service.tell("fail database connection refused");
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 6_000)));
    assert.equal(asked, 0);
    await page.locator("#pause").click();
    await headline("1 of 5 checks is failing");
  });

  test("shows what wants to break out as text", async () => {
    const evil = "</p></li></script><script>document.title = 'owned'</script><img src=x onerror=alert(1)>";
    await service.tell(`fail database ${evil}`);
    await open("/healthcheck");
    assert.equal(await row("database").locator(".output").innerText(), evil);
    // The script of the page must escape the text as well when it updates a row.
    await service.tell(`fail disk ${evil}`);
    await headline("2 of 5 checks are failing");
    assert.equal(await row("disk").locator(".output").innerText(), evil);
    assert.equal(await page.locator(".check").count(), 5);
    assert.equal(await page.locator("h3", { hasText: "<script>alert(1)" }).count(), 1);
    assert.equal(await page.locator("main script, main img").count(), 0);
    assert.deepEqual(problems, []);
  });

  test("says the same without JavaScript", async () => {
    await service.tell("fail database connection refused");
    await open("/healthcheck", { javaScriptEnabled: false });
    await headline("1 of 5 checks is failing");
    assert.equal(await page.locator("#live").isVisible(), false);
    await page.locator("label.fail").click();
    assert.equal(await page.locator(".check:visible").count(), 1);
    await page.locator("a.tag", { hasText: "storage" }).click();
    await headline("1 of 2 checks is failing");
    await row("database").locator("h3 a").click();
    await headline("The check is failing");
    await page.getByRole("link", { name: "Readiness" }).click();
    assert.match(page.url(), /\/readyz$/);
  });

  test("is gone through with the keyboard", async () => {
    await fetch(`http://${service.address}/healthcheck`);
    await service.tell("fail database connection refused");
    await open("/healthcheck");
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the content");
    await page.keyboard.press("Enter");
    // The order of the focus from the content on: the filters by verdict, the tags, and the checks that can be
    // unfolded.
    const passed = [];
    while (passed.at(-1) !== "database") {
      await page.keyboard.press("Tab");
      passed.push((await focused()) || await page.evaluate(() => document.activeElement.id));
      assert.ok(passed.length < 10, passed.join());
    }
    assert.deepEqual(passed, ["show-all", "external", "storage", "system", "database"]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await row("database").locator("details.strip").getAttribute("open"), "");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await headline("The check is failing");
  });

  test("tells a status by more than its colour", async () => {
    await service.tell("fail database connection refused");
    await service.tell("warn disk 9 % left");
    await open("/healthcheck", { forcedColors: "active" });
    for (const [name, text] of [["database", "✕ fail"], ["disk", "! warn"], ["worker", "✓ pass"]]) {
      assert.equal(await row(name).locator(".status").innerText(), text);
    }
  });
});

describe("the environment page", () => {
  withService();
  test("marks what is masked and is searched", async () => {
    await open("/environment");
    const field = (name) => page.locator(".field", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).last();
    assert.match(await field("DB_PASSWORD").locator("dd").innerText(), /\*{8}/);
    assert.equal(await field("DB_PASSWORD").locator(".masked").count(), 1);
    assert.doesNotMatch(await page.content(), /correct horse/);
    assert.equal(await field("COLOUR").locator("dd").innerText(), "<b>violet</b>");
    assert.match(await field("resident").locator("dd").innerText(), /^[\d.]+ MiB$/);
    assert.match(await field("uptime").locator("dd").innerText(), /^[\d.]+ (ms|s)$/);
    await page.keyboard.press("/");
    await page.keyboard.type("colour");
    assert.equal(await field("COLOUR").isVisible(), true);
    assert.equal(await field("DB_PASSWORD").isVisible(), false);
    await shot("environment");
    await page.locator("#find").fill("nothing is called so");
    assert.equal(await page.locator("#none").isVisible(), true);
    await page.locator("#find").fill("");
    assert.equal(await field("DB_PASSWORD").isVisible(), true);
    assert.deepEqual(problems, []);
  });

  test("says the same without JavaScript", async () => {
    await open("/environment", { javaScriptEnabled: false });
    assert.equal(await page.locator("#search").isVisible(), false);
    assert.equal(await page.locator(".section").count(), 3);
    await page.locator(".contents a", { hasText: "process" }).click();
    assert.match(page.url(), /#/);
    assert.equal(await page.locator(".masked").first().isVisible(), true);
  });
});

/** The words of the page that stand on two lines. */
const broken = () => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest("script, .unseen, .skip")) continue;
    // What is longer than a line has to break somewhere; a path or an address may at its signs.
    const tokens = [...node.data.matchAll(/\S+/g)].filter(([token]) => token.length <= 24);
    const words = tokens.flatMap(({ 0: token, index: start }) =>
      [...token.matchAll(/[\p{L}\p{N}]+/gu)].map(({ 0: word, index }) => ({ word, index: start + index })));
    for (const { word, index } of words) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) found.push(word);
    }
  }
  return found;
};

/** Each page in each of its states: the scene of the service, what it is told, the path, what is answered. */
const WORST = ["fail database connection refused", "warn disk 9 % left", `fail recommendations ${"very long ".repeat(100)}`];
const PAGES = {
  passing: { path: "/healthcheck", status: 200 },
  degraded: { told: ["warn disk 9 % left", "fail recommendations no answer"], path: "/healthcheck", status: 200 },
  failing: { told: WORST, path: "/healthcheck", status: 503 },
  tag: { told: WORST, path: "/readyz?tag=storage", status: 503 },
  check: { told: WORST, path: "/healthcheck/database", status: 503 },
  shared: { scene: "shared", told: ["fail etcd no leader"], path: "/readyz", status: 200 },
  empty: { scene: "empty", path: "/healthcheck", status: 200 },
  maintenance: { told: ["maintenance upgrade"], path: "/readyz", status: 503 },
  history: { told: WORST, path: "/healthcheck/history", status: 200 },
  environment: { path: "/environment", status: 200 },
  unauthorized: { scene: "bearer", path: "/environment", status: 401 },
  forbidden: { scene: "denied", path: "/environment", status: 403 },
  missing: { path: "/nothing", status: 404 },
};

const QUIET = "vnu, axe-core and pa11y find nothing, no word is broken in two, and nothing is wider than the screen";
describe(QUIET, { concurrency: 3 }, () => {
  let driver;
  before(async () => {
    driver = await puppeteer.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  after(() => driver?.close());

  for (const [name, { scene, told = [], path, status }] of Object.entries(PAGES)) {
    test(`on the page ${name}`, async () => {
      const service = await Service.start(undefined, scene);
      try {
        const url = `http://${service.address}${path}`;
        const run = () => fetch(`http://${service.address}/healthcheck`);
        // So that the history has something to show.
        await run();
        for (const command of told) await service.tell(command);
        await run();

        const answer = await fetch(url, { headers: { accept: "text/html" } });
        assert.equal(answer.status, status);
        const checker = promisify(execFile)("java", ["-jar", vnu, "--stdout", "--exit-zero-always", "--format", "json", "-"]);
        checker.child.stdin.end(await answer.text());
        const { messages } = JSON.parse((await checker).stdout);
        assert.deepEqual(messages.map(({ message, extract }) => `${message} ${extract}`), []);

        for (const colorScheme of ["light", "dark"]) {
          for (const [device, viewport] of [["desktop", { width: 1280, height: 900 }], ["phone", { width: 320, height: 640 }]]) {
            const where = `${device}, ${colorScheme}`;
            // axe-core is brought in from outside, which the policy rightly forbids.
            const page = await browser.newPage({ viewport, colorScheme, bypassCSP: true });
            await page.goto(url);
            await page.screenshot({ path: `${SCREENSHOTS}/${name}-${device}-${colorScheme}.png` });
            for (const fold of await page.locator("details > summary").all()) await fold.click();
            await page.evaluate(axe);
            const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
            const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(", ")}`);
            assert.deepEqual(found, [], where);
            assert.ok(passes.length > 10);
            const width = await page.evaluate(() => document.documentElement.scrollWidth);
            assert.ok(width <= viewport.width, `${width} pixels wide, ${where}`);
            assert.deepEqual(await page.evaluate(broken), [], where);
            await page.close();
          }
          const other = await driver.newPage();
          await other.emulateMediaFeatures([{ name: "prefers-color-scheme", value: colorScheme }]);
          const { issues, documentTitle } = await pa11y(url, { browser: driver, page: other, timeout: LIMIT, wait: 100 });
          await other.close();
          assert.deepEqual(issues.map(({ code, message, context }) => `${code}: ${message} ${context}`), [], colorScheme);
          assert.ok(documentTitle);
        }
      } finally {
        await service.kill();
      }
    });
  }
});
