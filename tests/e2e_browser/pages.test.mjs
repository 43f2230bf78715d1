// Tests the pages in a browser. main.rs starts this script, and passes the paths of the programs that it needs.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

const { SUBJECT, CLIENTS, SCREENSHOTS } = process.env;
const require = createRequire(`${CLIENTS}/node_modules/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const LIMIT = 30_000;

/** The service, which takes commands. */
class Service {
  static async start(address = "127.0.0.1:0") {
    const service = new Service();
    service.process = spawn(SUBJECT, [`addr=${address}`, "delay=0"], {
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
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  console.log(`against Chromium ${browser.version()}, axe-core ${require("axe-core/package.json").version}`);
});
after(() => browser?.close());
beforeEach(async () => {
  problems = [];
  service = await Service.start();
});
afterEach(async () => {
  await context?.close();
  await service.kill();
});

describe("the status page", () => {
  test("sees a check fail and recover without a reload and without a flicker", async () => {
    await open("/healthcheck");
    await headline("All 5 checks pass");
    assert.match(await page.title(), /^✓ All 5 checks pass/);
    await page.evaluate(() => {
      window.loadedOnce = true;
      window.replaced = 0;
      // A row that doesn't change keeps its DOM element.
      new MutationObserver((changes) => {
        for (const change of changes) {
          window.replaced += [...change.removedNodes].filter((node) => node.matches?.(".check, .verdict, main")).length;
        }
      }).observe(document.body, { childList: true, subtree: true });
    });
    await page.locator("#pause").focus();
    await service.tell("fail database connection refused");
    await headline("1 of 5 checks fails");
    assert.equal(await row("database").locator(".output").innerText(), "connection refused");
    assert.match(await row("database").innerText(), /failing since/);
    assert.match(await page.title(), /^✕/);
    assert.equal(await page.locator("#said").textContent(), "1 of 5 checks fails. database: fail");
    await shot("failing");
    await service.tell("pass database back again");
    await headline("All 5 checks pass");
    assert.match(await row("database").innerText(), /passing since/);
    assert.equal(await row("database").locator(".cell").count(), 3);
    assert.equal(await page.evaluate(() => window.loadedOnce), true);
    assert.equal(await page.evaluate(() => window.replaced), 0);
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
    const [took, ran, fresh] = await row("worker").locator("dd").allInnerTexts();
    assert.match(took, /^[\d.]+ (µs|ms)$/);
    assert.match(ran, /^\d+ s ago$/);
    assert.match(fresh, /^for (60|5\d) s$/);
    // The script of the page updates both times without asking the server.
    await page.locator("#pause").click();
    for (const [index, before] of [[1, ran], [2, fresh]]) {
      await row("worker").locator("dd").nth(index).filter({ hasNotText: before }).waitFor();
    }
  });

  test("keeps what is unfolded, chosen and focused while it changes", async () => {
    await service.tell("fail database connection refused");
    await open("/healthcheck");
    await row("database").locator("summary").click();
    await page.locator("label.fail").click();
    await row("database").locator("h3 a").focus();
    await service.tell("fail disk full");
    await headline("2 of 5 checks fail");
    assert.equal(await row("database").locator("details").getAttribute("open"), "");
    assert.deepEqual(await shown(), ["database", "disk"]);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "database");
  });

  test("filters by verdict and by tag, also with the keyboard", async () => {
    await service.tell("fail recommendations no answer");
    await service.tell("warn disk 9 % left");
    await open("/healthcheck");
    await headline("1 of 5 checks fails, 1 warns");
    assert.equal(await page.locator(".verdict .word").innerText(), "DEGRADED");
    await page.locator("#show-all").focus();
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await shown(), ["recommendations"]);
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await shown(), ["disk"]);
    await page.locator("label.all").click();
    await page.locator("a.tag", { hasText: "storage" }).click();
    await headline("1 of 2 checks warns");
    assert.deepEqual(await shown(), ["database", "disk"]);
    assert.match(page.url(), /\?tag=storage$/);
    await page.locator("a.tag", { hasText: "external" }).click();
    await headline("1 of 3 checks fails, 1 warns");
    await page.goBack();
    await headline("1 of 2 checks warns");
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
    await headline("1 of 5 checks fails");
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
    await headline("1 of 5 checks fails");
  });

  test("shows what wants to break out as text", async () => {
    const evil = "</p></li></script><script>document.title = 'owned'</script><img src=x onerror=alert(1)>";
    await service.tell(`fail database ${evil}`);
    await open("/healthcheck");
    assert.equal(await row("database").locator(".output").innerText(), evil);
    // The script of the page must escape the text as well when it updates a row.
    await service.tell(`fail disk ${evil}`);
    await headline("2 of 5 checks fail");
    assert.equal(await row("disk").locator(".output").innerText(), evil);
    assert.equal(await page.locator(".check").count(), 5);
    assert.equal(await page.locator("h3", { hasText: "<script>alert(1)" }).count(), 1);
    assert.equal(await page.locator("main script, main img").count(), 0);
    assert.deepEqual(problems, []);
  });

  test("says the same without JavaScript", async () => {
    await service.tell("fail database connection refused");
    await open("/healthcheck", { javaScriptEnabled: false });
    await headline("1 of 5 checks fails");
    assert.equal(await page.locator("#live").isVisible(), false);
    await page.locator("label.fail").click();
    assert.equal(await page.locator(".check:visible").count(), 1);
    await page.locator("a.tag", { hasText: "storage" }).click();
    await headline("1 of 2 checks fails");
    await row("database").locator("h3 a").click();
    await headline("The check fails");
    await page.getByRole("link", { name: "Readiness" }).click();
    assert.match(page.url(), /\/readyz$/);
  });

  test("is gone through with the keyboard", async () => {
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
    assert.deepEqual(passed, ["show-all", "external", "storage", "system", "<script>alert(1)", "database"]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await row("database").locator("details.strip").getAttribute("open"), "");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await headline("The check fails");
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

test("the environment page marks what is masked and is searched", async () => {
  await open("/environment");
  const field = (name) => page.locator(".field", { has: page.locator(`dt bdi:text-is("${name}")`) }).last();
  assert.match(await field("DB_PASSWORD").locator("dd").innerText(), /\*{8}/);
  assert.equal(await field("DB_PASSWORD").locator(".masked").count(), 1);
  assert.doesNotMatch(await page.content(), /correct horse/);
  assert.equal(await field("COLOUR").locator("dd").innerText(), "<b>violet</b>");
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

test("the environment page says the same without JavaScript", async () => {
  await open("/environment", { javaScriptEnabled: false });
  assert.equal(await page.locator("#search").isVisible(), false);
  assert.equal(await page.locator(".section").count(), 3);
  await page.locator(".contents a", { hasText: "process" }).click();
  assert.match(page.url(), /#/);
  assert.equal(await page.locator(".masked").first().isVisible(), true);
});

test("axe-core finds no violation, and nothing is wider than the screen", async () => {
  await service.tell("fail database connection refused");
  await service.tell("warn disk 9 % left");
  await service.tell(`fail recommendations ${"very long ".repeat(100)}`);
  for (const colorScheme of ["light", "dark"]) {
    for (const [device, viewport] of [["desktop", { width: 1280, height: 900 }], ["phone", { width: 320, height: 640 }]]) {
      for (const path of ["/healthcheck", "/healthcheck/database", "/readyz?tag=storage", "/environment"]) {
        // The test injects axe-core into the page, which the page's content security policy would forbid.
        await open(path, { viewport, colorScheme, bypassCSP: true });
        for (const fold of await page.locator("details > summary").all()) await fold.click();
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(", ")}`);
        assert.deepEqual(told, [], `${path}, ${device}, ${colorScheme}`);
        assert.ok(passes.length > 20);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${path} is ${width} pixels wide on a ${device}`);
        if (path === "/healthcheck") await shot(`${device}-${colorScheme}`);
        await context.close();
      }
    }
  }
});
