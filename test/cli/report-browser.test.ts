import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { htmlPage } from "../../src/cli/report-page.ts";
import { composePage } from "../../src/core/compose-page.ts";
import { facts, healthy, troubled } from "../core/page-facts.ts";

const program = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  existsSync,
);
const missing = program === undefined && process.env["CI"] !== "true";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const pages: Readonly<Record<string, string>> = {
  healthy: htmlPage(composePage(facts([healthy()]))),
  troubled: htmlPage(composePage(troubled())),
};

interface Rule {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

interface AxeResults {
  readonly violations: readonly Rule[];
  readonly passes: readonly Rule[];
}

/** Milliseconds, but for the elements. */
interface Measured {
  readonly elements: number;
  readonly parsed: number;
  readonly layout: number;
  readonly frame: number;
  readonly slowest: number;
}

/** What a page told while it was open. */
interface Opened {
  readonly page: Page;
  readonly console: string[];
  readonly requests: string[];
}

// Leaves out what cannot run for want of a browser; in CI nothing may be left out.
describe.skipIf(missing)("the page in a browser (needs chromium)", () => {
  let browser: Browser;
  let server: Server;
  let address: string;

  beforeAll(async () => {
    if (program === undefined) throw new Error("chromium is missing, and in CI nothing is left out");
    server = createServer((request, response) => {
      const text = pages[request.url?.slice(1) ?? ""];
      response.writeHead(text === undefined ? 404 : 200, { "content-type": "text/html" }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // Root has no user namespace to put the browser's sandbox in.
    browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  async function open(name: string, width: number, colorScheme: "light" | "dark" = "light"): Promise<Opened> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const said: Opened = { page, console: [], requests: [] };
    page.on("console", (message) => said.console.push(message.text()));
    page.on("pageerror", (error) => said.console.push(String(error)));
    page.on("request", (request) => said.requests.push(request.url()));
    await page.goto(`${address}/${name}`);
    return said;
  }

  // What runs in the page is text: the types of a browser would be those of every file here.
  const unfold = (page: Page) =>
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");

  const views = Object.keys(pages).flatMap((name) =>
    [390, 1280].flatMap((width) =>
      (["light", "dark"] as const).map((scheme) => [name, width, scheme] as const),
    ),
  );

  test.each(views)("%s at %i px in %s: quiet, alone, within its width", async (name, width, scheme) => {
    const { page, console, requests } = await open(name, width, scheme);
    await unfold(page);
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor")).toBe(
      scheme === "light" ? "rgb(246, 247, 248)" : "rgb(18, 22, 26)",
    );
    expect(console).toEqual([]);
    expect(requests).toEqual([`${address}/${name}`]);
    await page.close();
  });

  test.each([
    ["healthy", 390, "light"],
    ["healthy", 1280, "dark"],
    ["troubled", 390, "dark"],
    ["troubled", 1280, "light"],
  ] as const)("%s at %i px in %s: axe finds nothing", async (name, width, scheme) => {
    const { page } = await open(name, width, scheme);
    // Every table, but not each of a thousand rows: they are alike.
    await page.evaluate(
      "for (const body of document.querySelectorAll('tbody')) for (const row of [...body.rows].slice(20)) row.remove()",
    );
    await unfold(page);
    await page.evaluate(axe);
    const { violations: found, passes } = await page.evaluate<AxeResults>("axe.run(document)");
    expect(passes.map(({ id }) => id)).toEqual(expect.arrayContaining(["color-contrast", "svg-img-alt"]));
    const told = found.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(" ")}`,
    );
    expect(told).toEqual([]);
    await page.close();
  });

  test("everything that folds is reached and opened by the keyboard", async () => {
    const { page } = await open("healthy", 390);
    const folded = await page.locator("summary").count();
    const reached = new Set<string>();
    for (let press = 0; press < folded + 5; press++) {
      await page.keyboard.press("Tab");
      const text = await page.evaluate<string>(
        "document.activeElement.tagName === 'SUMMARY' ? document.activeElement.textContent : ''",
      );
      if (text === "" || reached.has(text)) continue;
      reached.add(text);
      await page.keyboard.press("Enter");
    }
    expect(reached.size).toBe(folded);
    expect(await page.locator("details[open]").count()).toBe(folded - 1);
    await page.close();
  });

  test("on paper everything is unfolded", async () => {
    const { page } = await open("healthy", 1280);
    const closed = page.locator("details:not([open]) table").last();
    expect(await closed.isVisible()).toBe(false);
    await page.emulateMedia({ media: "print" });
    expect(await closed.isVisible()).toBe(true);
    await page.close();
  });

  test("a script in the page would not run: the page forbids it", async () => {
    const { page, console } = await open("healthy", 1280);
    await page.evaluate(
      "const script = document.createElement('script'); script.textContent = 'document.title = 1'; document.head.append(script)",
    );
    expect(await page.title()).toMatch(/^Backups of web-1/);
    expect(console.join()).toContain("Content Security Policy");
    await page.close();
  });

  test("a thousand points of four volumes are drawn and scrolled through", async () => {
    const { page } = await open("troubled", 390);
    const measured = await page.evaluate<Measured>(`(async () => {
      const { domContentLoadedEventEnd, responseEnd } = performance.getEntriesByType("navigation")[0];
      for (const one of document.querySelectorAll("details")) one.open = true;
      const before = performance.now();
      const height = document.documentElement.scrollHeight;
      const layout = performance.now() - before;
      const frames = [];
      let last = await new Promise(requestAnimationFrame);
      for (let step = 0; step < 60; step++) {
        scrollTo(0, (height * step) / 60);
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - last);
        last = now;
      }
      frames.sort((a, b) => a - b);
      const elements = document.querySelectorAll("*").length;
      return { elements, parsed: domContentLoadedEventEnd - responseEnd, layout, frame: frames[30], slowest: frames.at(-1) };
    })()`);
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    console.log(
      `1,000 points on a phone, all unfolded: ${measured.elements} elements, parsed in ${ms(measured.parsed)}, ` +
        `laid out in ${ms(measured.layout)}, a frame ${ms(measured.frame)} (median), ${ms(measured.slowest)} (slowest)`,
    );
    expect(measured.elements).toBeLessThan(12_000);
    await page.close();
  });
});
