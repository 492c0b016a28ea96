import { type DefaultTreeAdapterTypes, defaultTreeAdapter, parse } from "parse5";
import { describe, expect, test } from "vitest";
import { html } from "../../src/cli/html.ts";
import { htmlPage } from "../../src/cli/report-page.ts";
import { composePage } from "../../src/core/compose-page.ts";
import { facts, healthy, note, pointAged, storedPart, troubled } from "../core/page-facts.ts";
import { at, instance, job } from "../core/points.ts";
import { problem, report } from "../core/reports.ts";

type Element = DefaultTreeAdapterTypes.Element;

/** Parses as the standard says and fails at whatever it calls an error. */
function parsed(text: string): Element[] {
  const errors: string[] = [];
  const document = parse(text, {
    onParseError: ({ code, startLine }) => errors.push(`${code} in line ${startLine}`),
    sourceCodeLocationInfo: true,
  });
  expect(errors).toEqual([]);
  const all: Element[] = [];
  const visit = (node: DefaultTreeAdapterTypes.Node): void => {
    if (defaultTreeAdapter.isElementNode(node)) {
      all.push(node);
      // A tag that the parser had to make up or to close is one that we forgot.
      const given = node.sourceCodeLocation;
      expect(given?.startTag, `<${node.tagName}> is not in the text`).toBeDefined();
      const alone =
        /^(meta|link|br)$/.test(node.tagName) || text[(given?.startTag?.endOffset ?? 0) - 2] === "/";
      expect(alone || given?.endTag !== undefined, `<${node.tagName}> is not closed`).toBe(true);
    }
    if ("childNodes" in node) for (const child of node.childNodes) visit(child);
  };
  visit(document);
  return all;
}

const attributeOf = (element: Element, name: string) => element.attrs.find((one) => one.name === name)?.value;

const hostile = `<script>alert("1")</script>'"><img src=x onerror=alert(2)> &amp; \u202Egnp.exe\u200F \u0000\u0007 \uD800`;

const attacked = () => {
  const wicked = pointAged(3_600_000);
  const name = `night${hostile}`;
  return composePage(
    facts(
      [
        healthy({
          name,
          job: job({ name, schedule: "0 2 * * *" }),
          points: [
            {
              ...wicked,
              id: hostile,
              recipe: wicked.recipe.map((one) => ({ ...one, device: hostile, type: hostile })),
              snapshots: wicked.snapshots.map((one) => ({ ...one, id: hostile })),
              holds: [{ by: "keep-forever", detail: hostile }],
            },
          ],
          known: {
            job: name,
            report: report({ problems: [{ ...problem("denied"), found: hostile, remedy: hostile }] }),
          },
          history: {
            runs: [note(at("2027-03-20T02:00"), { outcome: hostile, error: hostile, errors: 1 })],
            unreadable: 0,
          },
        }),
      ],
      {
        instance: { ...instance, name: hostile, type: hostile },
        left: [{ volume: hostile, device: hostile, because: hostile }],
        unreadable: [hostile],
        agent: hostile,
      },
    ),
  );
};

test("a page of what is stored names contents and repositories, no volumes, devices or alarms", () => {
  const page = htmlPage(
    composePage(facts([storedPart("files", [3_600_000]), storedPart("dump/shop", [7_200_000])])),
  );
  parsed(page);
  const body = page.slice(page.indexOf("<body>")).replace(/ class="volumes"/g, "");
  expect(body).not.toMatch(/volume|device|alarms/i);
  expect(body).toContain("<h3>What is stored</h3>");
  expect(body).toContain('<th scope="col">Content</th>');
  expect(body).toContain("<code>dump/shop</code> <small>in central</small>");
  expect(htmlPage(composePage(facts([healthy()])))).toContain('<th scope="col">Volume</th>');
});

describe("a template", () => {
  test("escapes text for elements and for attributes alike, and leaves markup alone", () => {
    const { markup } =
      html`<p title="${`"'<>&`}">${"<b>"}${html`<i>${1}</i>`}${["a", html`<br>`]}${undefined}${false}</p>`;
    expect(markup).toBe(`<p title="&quot;&#39;&lt;&gt;&amp;">&lt;b&gt;<i>1</i>a<br></p>`);
  });

  test("shows signs that nobody sees, so that no name can pose as another", () => {
    expect(html`${"a\u202Eb\u200F\u0007\u2066\uFEFF"}`.markup).toBe("a\\u202eb\\u200f\\u0007\\u2066\\ufeff");
    expect(html`${"\uD800x"}`.markup).toBe("\uFFFDx");
    expect(html`${"שלום — 名前 é"}`.markup).toBe("שלום — 名前 é");
  });
});

describe.each([
  ["a healthy instance", () => composePage(facts([healthy()]))],
  ["an instance in trouble", () => composePage(troubled())],
  ["an instance that nothing backs up", () => composePage(facts([]))],
  [
    "a job without points",
    () => composePage(facts([healthy({ points: [], history: { runs: [], unreadable: 0 } })])),
  ],
  ["hostile names", attacked],
])("the page of %s", (_, page) => {
  const text = htmlPage(page());
  const all = parsed(text);

  test("is HTML without a fault, in which no id occurs twice", () => {
    const ids = all.flatMap((one) => attributeOf(one, "id") ?? []);
    expect(ids).toEqual([...new Set(ids)]);
    const targets = all
      .flatMap((one) => attributeOf(one, "href") ?? [])
      .filter((href) => href.startsWith("#"));
    expect(targets.filter((href) => !ids.includes(href.slice(1)))).toEqual([]);
  });

  test("runs no script, loads nothing and says so to the browser", () => {
    const names = new Set(all.map(({ tagName }) => tagName));
    for (const bad of ["script", "img", "iframe", "object", "form", "base"]) expect(names).not.toContain(bad);
    const attributes = all.flatMap(({ attrs }) => attrs);
    expect(attributes.filter(({ name }) => /^on|^style$/.test(name))).toEqual([]);
    const outside = attributes.filter(({ name }) => /^(src|srcset|href|action|data|xlink:href)$/.test(name));
    expect(outside.filter(({ value }) => !value.startsWith("#")).map(({ value }) => value)).toEqual([
      "data:,",
    ]);
    const policy = all.find((one) => attributeOf(one, "http-equiv") === "Content-Security-Policy");
    expect(policy && attributeOf(policy, "content")).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline';/,
    );
    expect(text.replace(/http-equiv/g, "")).not.toMatch(/https?:|url\(|@import/);
  });
});

test("what is hostile is shown as it is written", () => {
  const text = htmlPage(attacked());
  expect(text).not.toContain("<img");
  expect(["\u202e", "\u200f", "\u0000", "\u0007"].filter((sign) => text.includes(sign))).toEqual([]);
  expect(text.split("&lt;script&gt;").length).toBeGreaterThan(10);
  expect(text).toContain("\\u202egnp.exe\\u200f");
});

test("a thousand points of four volumes stay below 1 MB and 12,000 elements", () => {
  const text = htmlPage(composePage(troubled()));
  const elements = parsed(text).length;
  console.log(`1,000 points of 4 volumes and 25 more: ${text.length} bytes, ${elements} elements`);
  expect(text.match(/<tr><td>/g)?.length).toBeGreaterThan(1_000);
  expect(Buffer.byteLength(text)).toBeLessThan(1_000_000);
  expect(elements).toBeLessThan(12_000);
});
