/** How units call the program, as packages install it. */
const packagedStart = "/usr/bin/ec2-backup";

/**
 * A unit whose commands start the program by these words. systemd.service(5), "Command lines": words are quoted as in
 * C, `%` begins a specifier and `$` a variable.
 */
export function unitFor(unit: string, program: readonly string[]): string {
  const start = program.map(execWord).join(" ");
  return unit.replace(
    new RegExp(`^(Exec\\w+=[-@:+!|]*)${packagedStart}(?=\\s|$)`, "gm"),
    (_, assigned: string) => `${assigned}${start}`,
  );
}

/** A word of a command line as systemd reads it. */
export function execWord(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/[\\"]/g, "\\$&")}"`;
}

/** Directories that a unit hides from its service (systemd.exec(5): ProtectHome, PrivateTmp). */
function hiddenPlaces(unit: string): readonly string[] {
  const settings = new Map(
    [...unit.matchAll(/^\s*(\w+)\s*=\s*(.*?)\s*$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  const isOn = (name: string): boolean => /^(yes|true|on|1|tmpfs)$/i.test(settings.get(name) ?? "");
  return [
    ...(isOn("ProtectHome") ? ["/home", "/root", "/run/user"] : []),
    ...(isOn("PrivateTmp") || settings.get("PrivateTmp") === "disconnected" ? ["/tmp", "/var/tmp"] : []),
  ];
}

/** Why systemd could not start the program by its path; absent where it can. */
export function unstartable(program: readonly string[], units: readonly string[]): string | undefined {
  // The path of what is started knows no variables, and so no `$$`; nothing on a line holds a line's end.
  const [start = ""] = program;
  if (start.includes("$") || program.some((word) => /\p{Cc}/u.test(word)))
    return "systemd cannot be told of a path with such signs";
  const hidden = units.flatMap(hiddenPlaces);
  const place = hidden.find((one) => program.some((word) => word.startsWith(`${one}/`)));
  return place === undefined ? undefined : `the service sees nothing of ${place}, for its own safety`;
}
