import { formatDuration } from "../core/duration.ts";
import type { Settings } from "./defaults.ts";
import { outputDefaults, outputsOf } from "./outputs.ts";
import type { Path } from "./path.ts";

/** What is in force of outputs and notices. The ping's URL is a secret: that there is one is all that is said. */
export function valuesOfOutputs({ outputs = {}, notify = {} }: Settings): [Path, string][] {
  const { only, perVolume = false, emf = {}, prometheus = {} } = outputs;
  const wanted = outputsOf(outputs);
  const { topic, on = outputDefaults.on, ping } = notify;
  const { endpoint, file, logGroup } = emf;
  const target: [Path, string] =
    file === undefined
      ? [["metrics", "emf", "endpoint"], endpoint ?? `AWS_EMF_AGENT_ENDPOINT or ${outputDefaults.endpoint}`]
      : [["metrics", "emf", "file"], file];
  const group: [Path, string][] = logGroup === undefined ? [] : [[["metrics", "emf", "logGroup"], logGroup]];
  const directory = prometheus.directory ?? outputDefaults.directory;
  return [
    [["metrics", "output"], wanted.join(", ")],
    [["metrics", "only"], only === undefined ? "all" : only.join(", ")],
    [["metrics", "perVolume"], String(perVolume)],
    ...(wanted.includes("emf") ? [target, ...group] : []),
    ...(wanted.includes("prometheus")
      ? [[["metrics", "prometheus", "directory"], directory] as [Path, string]]
      : []),
    [["notify", "topic"], topic ?? "none"],
    ...(topic === undefined ? [] : [[["notify", "on"], on] as [Path, string]]),
    ...(ping === undefined ? [] : valuesOfPing(ping)),
  ];
}

function valuesOfPing({
  url,
  urlFile,
  timeout = outputDefaults.pingTimeout,
}: NonNullable<NonNullable<Settings["notify"]>["ping"]>): [Path, string][] {
  const place: [Path, string] =
    urlFile === undefined
      ? [["notify", "ping", "url"], url === undefined ? "none" : "given, not shown"]
      : [["notify", "ping", "urlFile"], urlFile];
  return [place, [["notify", "ping", "timeout"], formatDuration(timeout)]];
}
