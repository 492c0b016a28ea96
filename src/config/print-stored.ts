import { formatDuration } from "../core/duration.ts";
import type { Job } from "../core/job.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import type { Settings } from "./defaults.ts";
import type { Path } from "./path.ts";
import { repositoriesOf } from "./repositories.ts";

/** What is in force of repositories and of this host's name. Passwords are never here; a login in a URL is not shown. */
export function valuesOfRepositories(settings: Settings): [Path, string][] {
  const { host } = settings;
  return [
    ...(host === undefined ? [] : [[["host", "name"], host.name] as [Path, string]]),
    ...repositoriesOf(settings).flatMap(valuesOfRepository),
  ];
}

function valuesOfRepository(repository: RepositoryConfig): [Path, string][] {
  const { name, url, password, cacert, options, environmentFile, program, timezone } = repository;
  const { prune, check, mirror } = repository;
  const under = (...path: Path): Path => ["repositories", name, ...path];
  const maybe = (path: Path, value: string | undefined): [Path, string][] =>
    value === undefined ? [] : [[under(...path), value]];
  const retention = Object.entries({ ...mirror?.retention?.counts, within: mirror?.retention?.within });
  return [
    [under("url"), withoutLogin(url)],
    "file" in password
      ? [under("passwordFile"), password.file]
      : [under("passwordCommand"), password.command[0] ?? "none"],
    ...maybe(["cacert"], cacert),
    ...Object.entries(options).map(([key, value]): [Path, string] => [under("options", key), value]),
    ...maybe(["environmentFile"], environmentFile),
    [under("restic"), program ?? "the one in the PATH"],
    [under("appendOnly"), String(repository.appendOnly)],
    [under("lockWait"), formatDuration(repository.lockWait)],
    [under("idleTimeout"), formatDuration(repository.idleTimeout)],
    [under("deadline"), formatDuration(repository.deadline)],
    ...(prune || check || mirror ? maybe(["timezone"], timezone) : []),
    [under("prune", "schedule"), prune?.schedule ?? "by hand only"],
    [under("check", "schedule"), check?.schedule ?? "by hand only"],
    ...maybe(["check", "subset"], check && (check.parts === 0 ? "the structure alone" : `1/${check.parts}`)),
    ...maybe(["mirror", "to"], mirror?.to),
    ...maybe(["mirror", "schedule"], mirror && (mirror.schedule ?? "by hand only")),
    ...retention.flatMap(([rule, value]): [Path, string][] =>
      value === undefined
        ? []
        : [[under("mirror", "retention", rule), rule === "within" ? formatDuration(value) : String(value)]],
    ),
  ];
}

/** What a job stores. */
export function valuesOfStored({ name, stored }: Job): [Path, string][] {
  if (stored === undefined) return [];
  const under = (...path: Path): Path => ["jobs", name, ...path];
  const { files, dumps } = stored;
  return [
    ...dumps.map((dump, index): [Path, string] => [
      under("dumps", index),
      `${dump.kind} ${dump.name} into ${dump.repository}${dump.schedule === undefined ? "" : `, ${dump.schedule}`}`,
    ]),
    ...(files === undefined
      ? []
      : ([
          [under("files", "repository"), files.repository],
          [under("files", "paths"), files.paths.join(", ")],
          [under("files", "exclude"), files.exclude?.join(", ") || "nothing"],
          ...(files.excludeFile === undefined
            ? []
            : [[under("files", "excludeFile"), files.excludeFile] as [Path, string]]),
          [under("files", "oneFileSystem"), String(files.oneFileSystem ?? false)],
          [under("files", "excludeCaches"), String(files.excludeCaches ?? false)],
          [under("files", "tags"), files.tags?.join(", ") || "none"],
        ] as [Path, string][])),
  ];
}

/** `rest:https://user:password@host/` without the user and the password. */
function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/@]*:[^/@]*@/, "//...@");
}
