import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { need } from "../host/places.ts";

const root = path.join(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(path.join(root, name), "utf8");

/** A node of a syntax tree, as far as it is looked at here. */
interface Node {
  readonly type: string;
  readonly text: string;
  readonly isError: boolean;
  readonly isMissing: boolean;
  readonly startPosition: { readonly row: number };
  readonly children: readonly Node[];
}

interface TreeSitter {
  readonly Parser: {
    new (): { setLanguage(language: unknown): void; parse(text: string): { readonly rootNode: Node } };
    init(): Promise<void>;
  };
  readonly Language: { load(file: string): Promise<unknown> };
}

const require = createRequire(import.meta.url);
const grammars = "@vscode/tree-sitter-wasm/wasm";

/** A grammar of PowerShell; absent where the package is not installed. */
async function powershell(): Promise<((text: string) => Node) | undefined> {
  let file: string;
  try {
    file = require.resolve(`${grammars}/tree-sitter-powershell.wasm`);
  } catch {
    return undefined;
  }
  const { Parser, Language } = require(`${grammars}/tree-sitter.js`) as TreeSitter;
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(file));
  return (text) => parser.parse(text).rootNode;
}

function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)];
}

const faults = (tree: Node) =>
  all(tree)
    .filter(({ isError, isMissing }) => isError || isMissing)
    .map(({ startPosition, text }) => `${startPosition.row + 1}: ${text.slice(0, 60)}`);

const scripts = ["windows/install.ps1", "windows/uninstall.ps1"];

/** What Windows PowerShell 5.1 brings, as far as the scripts use it. */
const cmdlets = new Set(
  (
    "Copy-Item Get-Acl Get-ChildItem Get-Item Get-ScheduledTask Join-Path New-Item New-ItemProperty New-Object " +
    "Out-Null Register-ScheduledTask Remove-Item Resolve-Path Set-Acl Set-StrictMode Split-Path Test-Path " +
    "Unregister-ScheduledTask Write-Output"
  ).split(" "),
);

describe.each(scripts)("%s", (name) => {
  test("is PowerShell, and calls nothing but cmdlets of 5.1 and its own functions", async (context) => {
    const parse = await powershell();
    need(context, parse !== undefined, "@vscode/tree-sitter-wasm");
    if (parse === undefined) return;
    const tree = parse(read(name));
    expect(faults(tree)).toEqual([]);
    const nodes = all(tree);
    const own = new Set(nodes.filter(({ type }) => type === "function_name").map(({ text }) => text));
    const called = nodes.filter(({ type }) => type === "command_name").map(({ text }) => text);
    expect(called.length).toBeGreaterThan(10);
    expect(called.filter((one) => !cmdlets.has(one) && !own.has(one))).toEqual([]);
    expect([...own].filter((one) => !called.includes(one))).toEqual([]);
  });

  test("is ASCII, asks for administrators and 5.1, stops at the first error, and knows -WhatIf", () => {
    const text = read(name);
    // Windows PowerShell reads a file without a mark in the code page of the machine.
    expect(Buffer.from(text).every((byte) => byte < 0x80)).toBe(true);
    expect(text).toContain("#Requires -Version 5.1");
    expect(text).toContain("#Requires -RunAsAdministrator");
    expect(text).toContain("$ErrorActionPreference = 'Stop'");
    expect(text).toContain("[CmdletBinding(SupportsShouldProcess = $true)]");
    // Words of PowerShell 7, and what would run text.
    expect(text).not.toMatch(/\?\?|&&|\|\||Invoke-Expression|\biex\b|DownloadString/);
  });

  test("asks before each thing that it changes", () => {
    const changing =
      /^(?!.*ShouldProcess).*\b(Remove-Item|Copy-Item|New-Item|Set-Acl|WriteAllLines|(?:Un)?[Rr]egister-ScheduledTask)\b/;
    for (const body of read(name)
      .split(/^function /m)
      .slice(1)) {
      const lines = body.split("\n");
      const first = lines.findIndex((line) => changing.test(line));
      const asked = lines.findIndex((line) => line.includes("ShouldProcess"));
      if (first >= 0) expect(asked, lines[0]).toBeGreaterThanOrEqual(0);
      if (first >= 0) expect(asked, lines[0]).toBeLessThan(first);
    }
  });
});

test("a script that is none is found out", async (context) => {
  const parse = await powershell();
  need(context, parse !== undefined, "@vscode/tree-sitter-wasm");
  for (const text of ["if ($x { 1 }", "$x = @(1, 2", "function f { 1"])
    expect(faults(parse?.(text) as Node), text).not.toEqual([]);
});

test("the scripts that the agent hands to PowerShell are such, and have no double quotes", async (context) => {
  const parse = await powershell();
  need(context, parse !== undefined, "@vscode/tree-sitter-wasm");
  for (const name of ["src/host/windows-disks.ts", "src/agent/windows-trust.ts"]) {
    const [, source = ""] = /const script =\n?([\s\S]*?);\n(?= *(?:\/\*\*|try|\n))/.exec(read(name)) ?? [];
    const script = [...source.matchAll(/(["`])([\s\S]*?)\1/g)]
      .map(([, , part = ""]) => part.replace(/\$\{[^}]*\}/g, "'C:\\x y'"))
      .join("");
    expect(script.length, name).toBeGreaterThan(100);
    expect(script).not.toContain('"');
    expect(faults(parse?.(script) as Node), script).toEqual([]);
  }
});

test("installer, agent and task agree on names, places and words", () => {
  const install = read("windows/install.ps1");
  const uninstall = read("windows/uninstall.ps1");
  const agent = read("src/host/windows-task.ts");
  const name = /windowsTaskName = "([^"]+)"/.exec(agent)?.[1];
  for (const text of [install, uninstall]) {
    expect(text).toContain(`$taskName = '${name}'`);
    expect(text).toContain("Join-Path $env:ProgramData 'ec2-backup'");
    expect(text).toContain("Join-Path $env:ProgramFiles 'ec2-backup'");
    expect(text).toContain("$sourceName = 'ec2-backup'");
  }
  expect(read("src/log/sinks.ts")).toContain('eventLogOutlet(program, "ec2-backup")');
  expect(read("windows/ec2-backup-task.xml")).toContain(`<URI>\\${name}</URI>`);
});
