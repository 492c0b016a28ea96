import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const src = path.join(import.meta.dirname, "..", "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replaceAll("\\", "/"));

/** Who may import whom, and why. `node:` stands for all built-in modules; a package is named as imported. */
const rules: Record<string, { may: readonly string[]; because: string }> = {
  main: {
    may: ["cli", "commands", "agent", "core", "version", "node:"],
    because: "main is the edge of the process: it parses, asks a command and prints",
  },
  lambda: {
    may: ["commands", "node:"],
    because: "lambda is the edge of the function of AWS Lambda: it hands over what the runtime has",
  },
  commands: {
    may: ["commands", "cli", "config", "agent", "log", "core", "version"],
    because: "a command asks the agent and says how the answer is printed",
  },
  version: { may: [], because: "it is a constant" },
  log: {
    may: ["log", "core", "host", "winston", "winston-syslog", "node:"],
    because: "a log knows nothing of what it logs",
  },
  agent: {
    may: ["agent", "actions", "aws", "config", "core", "daemon", "engines", "hooks", "host", "node:"],
    because: "the agent wires every part, and nothing wires the agent but main and its commands",
  },
  cli: {
    may: ["cli", "core", "commander", "node:util", "node:readline"],
    because: "reading words, asking and printing need rules only",
  },
  actions: { may: ["actions", "core"], because: "actions speak to the world through ports of core" },
  daemon: { may: ["daemon", "core", "node-cron"], because: "an idle daemon must stay small" },
  config: { may: ["config", "core", "zod/mini", "yaml", "node:fs"], because: "configuration is data" },
  engines: { may: ["engines", "core", "aws", "host"], because: "an engine joins AWS or the host to a port" },
  hooks: {
    may: ["hooks", "core", "host", "mysql2", "mongodb", "@redis/client"],
    because: "a hook joins the host, or a database's driver, to a port",
  },
  aws: { may: ["aws", "core", "@aws-sdk/"], because: "the SDK's types and errors stay in one folder" },
  host: { may: ["host", "core", "node:"], because: "the operating system is made small in one folder" },
  core: { may: ["core"], because: "words and rules are pure: no clock, no files, no npm" },
  simulator: { may: ["simulator", "node:"], because: "the simulator is a program of its own" },
};

interface Import {
  readonly from: string;
  readonly what: string;
  readonly room: string;
}

function roomOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : file.replace(/\.ts$/, "");
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(src, file), "utf8");
  const statement =
    /^(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  const found = [...text.matchAll(statement)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
  return found.map((what) => {
    if (!what.startsWith(".")) return { from: file, what, room: what };
    const target = path.posix.join(path.posix.dirname(file), what);
    return { from: file, what: target, room: roomOf(target) };
  });
}

function isAllowed({ room }: Import, may: readonly string[]): boolean {
  return may.some((one) =>
    /[:/]$/.test(one) ? room.startsWith(one) : room === one || room.startsWith(`${one}/`),
  );
}

describe("the architecture", () => {
  it("has a rule for every room", () => {
    expect([...new Set(files.map(roomOf))].filter((room) => rules[room] === undefined)).toEqual([]);
  });

  it.each(Object.entries(rules))("lets %s import only what it may", (room, { may, because }) => {
    const wrong = files
      .filter((file) => roomOf(file) === room)
      .flatMap(importsOf)
      .filter((one) => !isAllowed(one, may))
      .map((one) => `${one.from} imports ${one.what}, but ${because}`);
    expect(wrong).toEqual([]);
  });

  it("has no circle of imports between files", () => {
    const graph = new Map(files.map((file) => [file, importsOf(file).map((one) => one.what)]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
      if (done.has(file) || trail.includes(file)) return;
      for (const next of graph.get(file) ?? []) if (graph.has(next)) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("touches the process where a program begins only", () => {
    // Lambda's runtime owns the process of its function, and calls what this file exports.
    // The clock that only goes on is nothing that anybody could change.
    const entries = ["main.ts", "lambda.ts", "host/clock.ts"];
    const touching = files.filter((file) => {
      const text = readFileSync(path.join(src, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*|`[^`]*`/g, "");
      return /\bprocess\.|node:process/.test(text);
    });
    expect(touching.filter((file) => !entries.includes(file) && !file.startsWith("simulator/"))).toEqual([]);
  });

  it("has no clock in core", () => {
    const clocks = files.filter((file) => {
      const text = readFileSync(path.join(src, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      return roomOf(file) === "core" && /Date\.now\(|new Date\(\)|performance\.now|Math\.random/.test(text);
    });
    expect(clocks).toEqual([]);
  });

  it("mentions the simulator in no file of the agent", () => {
    const mentions = files.filter(
      (file) =>
        !file.startsWith("simulator/") && /simulator/i.test(readFileSync(path.join(src, file), "utf8")),
    );
    expect(mentions).toEqual([]);
  });

  it("keeps every file to one idea: at most 250 lines, or with a reason named here", () => {
    const reasons: Record<string, string> = {};
    const long = files.filter((file) => {
      const lines = readFileSync(path.join(src, file), "utf8").split("\n").length - 1;
      return lines > 250 && reasons[file] === undefined;
    });
    expect(long).toEqual([]);
  });
});
