// The pictures of the README: `node docs/screenshots.mjs`, after `.ci/install-clients`. It takes two minutes, in which the
// checks of the example fail and recover.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const HISTORY = 80_000;
const root = fileURLToPath(new URL("..", import.meta.url));
const clients = process.env.HEALTHCHECK_CLIENTS || `${root}target/clients`;
const { chromium } = createRequire(`${clients}/node_modules/`)("playwright-core");

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
const answers = async (url) => {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
};

const url = `http://127.0.0.1:${await freePort()}/healthcheck`;
const { host } = new URL(url);
const example = spawn("cargo", ["run", "--quiet", "--example", "status_page", "--", host], { cwd: root, stdio: "inherit" });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
try {
  while (!(await answers(url))) {
    if (example.exitCode !== null) throw new Error("the example doesn't run");
    await wait(500);
  }
  await wait(HISTORY);
  for (const [name, colorScheme] of [["status-page", "light"], ["status-page-dark", "dark"]]) {
    const context = await browser.newContext({
      viewport: { width: 1120, height: 760 }, colorScheme, locale: "en-GB", timezoneId: "UTC",
    });
    const page = await context.newPage();
    // Rows enough, and a smaller file.
    await page.goto(`${url}?exclude=queue&exclude=consumer`);
    await page.locator('.check.fail[data-key="cache"]').waitFor();
    const height = await page.evaluate(() => Math.ceil(document.getElementById("checks").getBoundingClientRect().bottom) + 12);
    await page.setViewportSize({ width: 1120, height });
    await page.screenshot({ path: `${root}docs/${name}.png` });
  }
} finally {
  await browser.close();
  example.kill();
}
