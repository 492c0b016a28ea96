import type * as z from "zod/mini";
import type { Path } from "./path.ts";

type Context = z.core.$RefinementCtx;
type Found = Readonly<Record<string, unknown>>;

/** Faults of what is stored that only show beside other values. The file may have other faults at the same time. */
export function storeContradictions(file: unknown, context: Context): void {
  const { repositories, jobs } = mapping(file);
  const known = Object.keys(mapping(repositories));
  const refer = (named: unknown, path: Path) => {
    if (typeof named === "string" && !known.includes(named)) unknown(named, known, path, context);
  };
  for (const [name, written] of Object.entries(mapping(repositories))) {
    const { mirror, appendOnly, prune, url } = mapping(written);
    const path = ["repositories", name];
    const { to } = mapping(mirror);
    refer(to, [...path, "mirror", "to"]);
    if (to === name) report(context, [...path, "mirror", "to"], "another repository", "the same one");
    if (appendOnly === true && prune !== undefined)
      report(
        context,
        [...path, "prune"],
        "none beside appendOnly: true, since it is done elsewhere",
        "prune",
      );
    if (typeof url === "string") sameUrl(name, url, mapping(repositories), context);
  }
  for (const [name, written] of Object.entries(mapping(jobs))) {
    const { files, dumps, volumes } = mapping(written);
    if (takesStored(mapping(written)) || volumes === "none") storedJob(name, mapping(written), context);
    refer(mapping(files)["repository"], ["jobs", name, "files", "repository"]);
    if (Array.isArray(dumps)) ofDumps(name, dumps, refer, context);
  }
}

/** Whether a job has files or dumps. */
function takesStored({ files, dumps }: Found): boolean {
  return files !== undefined || dumps !== undefined;
}

const ofVolumes = ["image", "vss", "lock", "recordUserData"];

/** A job without volumes: what is only of volumes would silently do nothing. */
function storedJob(name: string, job: Found, context: Context): void {
  const { volumes, hooks } = job;
  if (volumes !== undefined && volumes !== "none") return;
  if (!takesStored(job)) {
    report(context, ["jobs", name, "volumes"], "volumes, files or dumps", "volumes: none alone");
    return;
  }
  for (const key of ofVolumes) {
    if (job[key] === undefined) continue;
    report(context, ["jobs", name, key], "volumes beside it, which it is about", "a job without volumes");
  }
  if (!Array.isArray(hooks)) return;
  hooks.forEach((hook: unknown, index) => {
    const [kind] = Object.keys(mapping(hook));
    if (kind === undefined || kind === "command") return;
    const message = "command, the one hook that is held around files; the others are for volumes";
    report(context, ["jobs", name, "hooks", index], message, kind);
  });
}

/** Two names for one place would each count and remove what the other stores. */
function sameUrl(name: string, url: string, all: Found, context: Context): void {
  const other = Object.keys(all).find((one) => mapping(all[one])["url"] === url);
  if (other === undefined || other === name) return;
  const message = "a repository that no other name has";
  report(context, ["repositories", name, "url"], message, `the one of ${other}`);
}

function ofDumps(
  job: string,
  dumps: readonly unknown[],
  refer: (named: unknown, path: Path) => void,
  context: Context,
): void {
  const seen = new Set<unknown>();
  dumps.forEach((dump, index) => {
    const [path, { name, repository }] = dumpAt(["jobs", job, "dumps", index], dump);
    refer(repository, [...path, "repository"]);
    if (typeof name === "string" && seen.has(name))
      report(context, [...path, "name"], "a name that no other dump of the job has", JSON.stringify(name));
    seen.add(name);
  });
}

/** What stands in a dump, as it is written (`- mysql: {…}`) or as it was read (`kind: mysql`). */
function dumpAt(path: Path, dump: unknown): readonly [Path, Found] {
  const found = mapping(dump);
  const [kind] = Object.keys(found);
  if ("name" in found || kind === undefined) {
    const { kind: read } = found;
    return [typeof read === "string" ? [...path, read] : path, found];
  }
  return [[...path, kind], mapping(found[kind])];
}

function unknown(named: string, known: readonly string[], path: Path, context: Context): void {
  const expected =
    known.length === 0
      ? "a repository of the section repositories, which the file has not"
      : `one of the repositories ${known.join(", ")}`;
  report(context, path, expected, JSON.stringify(named));
}

function report(context: Context, path: Path, message: string, found: string): void {
  context.addIssue({ code: "custom", path: [...path], message, params: { found } });
}

function mapping(value: unknown): Found {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Found) : {};
}
