import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse-whole.ts";

const readme = readFileSync(path.resolve(import.meta.dirname, "../../README.md"), "utf8");

/** The configurations of the page, with the chapter that each stands in; what other programs read is none. */
const examples = [...readme.matchAll(/^( *)```yaml\n([\s\S]*?)\n *```$/gm)]
  .map(({ 1: indent = "", 2: text = "", index }) => ({
    chapter: [...readme.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "",
    text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }))
  .filter(({ text }) => !/^(#cloud-config|- )/.test(text));

test.for(examples)("the configuration under '$chapter' is one that can be used", ({ text }) => {
  const whole = /^version:/m.test(text) ? text : `version: 1\n${text}`;
  expect(parseConfig(whole, "config.yaml")).toMatchObject({ ok: true });
});
