import path from "node:path";

/** What decides where things lie on a host. */
export interface HostFacts {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent on Windows. */
  readonly uid: number | undefined;
  readonly home: string;
}

/** Where the configuration is looked for if nobody says. */
export function configFile({ platform, env }: HostFacts): string {
  if (platform !== "win32") return "/etc/ec2-backup/config.yaml";
  return path.win32.join(env["ProgramData"] ?? "C:\\ProgramData", "ec2-backup", "config.yaml");
}

/**
 * Where it is written down what stands still, for who must undo it: on a filesystem that a reboot empties,
 * as it thaws everything.
 */
export function runtimeDirectory({ env, uid }: HostFacts, state: string): string {
  const given = env["RUNTIME_DIRECTORY"]?.split(":")[0];
  if (given !== undefined && given !== "") return given;
  if (uid === 0) return "/run/ec2-backup";
  return path.join(env["XDG_RUNTIME_DIR"] ?? state, "ec2-backup");
}

/** Where state is kept: systemd's STATE_DIRECTORY, else the place that the operating system has for it. */
export function stateDirectory({ platform, env, uid, home }: HostFacts): string {
  const given = env["STATE_DIRECTORY"]?.split(platform === "win32" ? ";" : ":")[0];
  if (given !== undefined && given !== "") return given;
  if (platform === "win32")
    return path.win32.join(env["ProgramData"] ?? "C:\\ProgramData", "ec2-backup", "state");
  if (uid === 0) return "/var/lib/ec2-backup";
  return path.join(env["XDG_STATE_HOME"] ?? path.join(home, ".local", "state"), "ec2-backup");
}

/** The directory for caches, as the launcher finds it; absent on Windows. */
export function cacheDirectory({ env, uid, home }: HostFacts): string | undefined {
  if (uid === undefined) return undefined;
  const usual = uid === 0 ? "/var/cache" : env["XDG_CACHE_HOME"] || path.join(home, ".cache");
  const caches = env["CACHE_DIRECTORY"] || usual;
  return path.isAbsolute(caches) ? caches : undefined;
}

/** What a log file needs to go on: itself, and its directory, where the full ones are put aside. */
export function logPlaces(
  file: { readonly path: string } | undefined,
): readonly { readonly path: string; readonly what: string }[] {
  if (file === undefined) return [];
  return [
    { path: file.path, what: "the agent's log" },
    { path: path.dirname(file.path), what: "the agent's log" },
  ];
}
