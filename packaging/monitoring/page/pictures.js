// Pictures of boards in headless Chromium: node pictures.js URL FOLDER FROM TO BOARD...
// FROM, TO: milliseconds since 1970. A board is UID[:ROWS], so many rows of its grid of panels (all).
import { join } from "node:path";
import { chromium } from "playwright-core";

const WIDTH = 1200;
const ROW = 38;   // height and gap of a row of the grid

const [url, folder, from, to, ...boards] = process.argv.slice(2);
if (!boards.length) {
  console.error("pictures.js URL FOLDER FROM TO BOARD...");
  process.exit(2);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: WIDTH, height: 800 }, timezoneId: "UTC", locale: "en-GB" });
page.on("pageerror", (error) => {
  console.error(`pictures.js: ${error.message}`);
  process.exitCode = 1;
});
for (const board of boards) {
  const [uid, rows] = board.split(":");
  await page.goto(`${url}/?${new URLSearchParams({ board: uid, from, to, theme: "light" })}`);
  const main = page.locator("main[data-whole=true]");
  await main.waitFor({ timeout: 30000 });
  await page.waitForTimeout(1000);   // icons and fonts
  const { x, y, width, height } = await main.boundingBox();
  await page.screenshot({
    path: join(folder, `${uid.replace("tandemq-", "")}.png`), fullPage: true,
    clip: { x, y, width, height: rows ? Math.min(height, rows * ROW) : height },
  });
}
await browser.close();
