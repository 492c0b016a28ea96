import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RunReport, StoredReport } from "../../src/core/report.ts";
import { encodeTag, storedTags } from "../../src/core/store-tags.ts";
import { policy } from "../core/points.ts";
import { agent, type Ended, execute } from "./bench.ts";
import { makeRepository } from "./stores/cheap-key.ts";
import { shelfAt } from "./stores/shelf.ts";

/** A host with a directory, a repository in another, and an agent of its own. */
export class Host implements AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.env = env;
  }

  static async start(env: Readonly<Record<string, string>>, init = true): Promise<Host> {
    const host = new Host(await mkdtemp(path.join(tmpdir(), "ec2-backup-test-")), env);
    for (const name of ["state", "data/below", "home"]) await mkdir(host.at(name), { recursive: true });
    await writeFile(host.at("data/a"), "one\n");
    await writeFile(host.at("data/below/b"), "two\n");
    await writeFile(host.at("password"), "secret\n", { mode: 0o600 });
    if (init) await makeRepository(shelfAt(host.at("repository")), host.at("password"));
    return host;
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  restic(program: string, ...words: string[]): string {
    const own = ["-r", this.at("repository"), "--password-file", this.at("password"), "--no-cache", "-q"];
    return execFileSync(program, [...own, ...words], { encoding: "utf8" });
  }

  /** Makes points of its files, so many days old, as runs of those days made them that kept the last two. */
  async aged(program: string, days: readonly number[], series = "files"): Promise<void> {
    for (const day of days) {
      const captured = new Date(Math.floor((Date.now() - day * 86_400_000) / 1000) * 1000);
      const tags = storedTags({
        pointId: `0193a1b2-0000-7000-8000-${String(day).padStart(12, "0")}`,
        runId: "r",
        job: "nightly",
        instanceArn: "host/build",
        retention: policy({ last: 2 }),
        consistency: "crash",
        version: "1.0.0",
        subject:
          series === "files" ? { content: "files" } : { content: "dump", dump: series, kind: "command" },
        tags: [],
      });
      const words = tags.map((tag) => `--tag=${encodeTag(tag)}`);
      const time = `--time=${captured.toISOString().slice(0, 19).replace("T", " ")}`;
      const said = execFileSync(
        program,
        [
          "-r",
          this.at("repository"),
          "--password-file",
          this.at("password"),
          "--no-cache",
          "--json",
          "backup",
          "--host=build",
          time,
          ...words,
          this.at("data"),
        ],
        { encoding: "utf8", env: { ...process.env, TZ: "UTC" } },
      );
      const [, id = ""] = /"snapshot_id":"([0-9a-f]+)"/.exec(said) ?? [];
      const snapshots = path.join(this.at("repository"), "snapshots");
      const whole = (await readdir(snapshots)).find((one) => one.startsWith(id)) ?? "";
      // The repository received it then.
      await utimes(path.join(snapshots, whole), captured, captured);
    }
  }

  async configure(job: string, more = "host: { name: build }", repository = ""): Promise<void> {
    const place = `url: ${this.at("repository")}, passwordFile: ${this.at("password")}`;
    const text = `version: 1
${more}
repositories:
  central: { ${place}${repository} }
jobs:
  nightly:
    retention: { last: 2 }
    shrinkDelay: 1d
    waits: { request: 2s }
${job.replace(/^/gm, "    ")}
`;
    await writeFile(this.at("config.yaml"), text, { mode: 0o600 });
  }

  get words(): readonly string[] {
    return ["--config", this.at("config.yaml")];
  }

  get environment(): Record<string, string> {
    const own = {
      STATE_DIRECTORY: this.at("state"),
      RUNTIME_DIRECTORY: this.at("run"),
      HOME: this.at("home"),
    };
    return { ...own, ...this.env };
  }

  execute(...words: readonly string[]): Promise<Ended> {
    return execute([process.execPath, agent, ...words, ...this.words], this.environment);
  }

  async run(...words: readonly string[]): Promise<Ended & { readonly report: RunReport }> {
    const [verb = "run", ...rest] = words;
    const ended = await this.execute(verb, "--json", ...rest);
    const [report] = (JSON.parse(ended.stdout) as { reports: RunReport[] }).reports;
    if (report === undefined) throw new Error(ended.stdout + ended.stderr);
    return { ...ended, report };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Nobody listens there. */
export const outside = {
  AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9",
  PATH: process.env["PATH"] ?? "",
};

export const files = (host: Host) => `files: { repository: central, paths: [${host.at("data")}] }`;
export const outcomes = (report: RunReport) =>
  report.stored?.map(({ source, outcome }) => `${source} ${outcome}`);
export const of = (report: RunReport, source: string): StoredReport | undefined =>
  report.stored?.find((one) => one.source === source);
