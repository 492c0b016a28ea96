/** What restic prints line by line with `--json`, as far as we use it. */
export type ResticMessage = Readonly<Record<string, unknown>>;

/** The message of a line; absent of what is no JSON object, which other lines may well be. */
export function messageOf(line: string): ResticMessage | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as ResticMessage) : undefined;
  } catch {
    return undefined;
  }
}

export function numberIn(message: ResticMessage, key: string): number | undefined {
  const value = message[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function textIn(message: ResticMessage, key: string): string | undefined {
  const value = message[key];
  return typeof value === "string" ? value : undefined;
}

/** What restic says of one file that it could not read or write. */
export interface FileComplaint {
  readonly path: string;
  readonly found: string;
}

/** The file that a line on the error output is about; absent where it is about something else. */
export function fileComplaint(line: string): FileComplaint | undefined {
  const missing = /^(.*) does not exist, skipping$/s.exec(line);
  if (missing !== null) return { path: missing[1] ?? "", found: "it does not exist" };
  const plain = /^ignoring error for (.*?): (.*)$/s.exec(line);
  if (plain !== null) return { path: plain[1] ?? "", found: plain[2] ?? "" };
  const message = messageOf(line);
  if (message?.["message_type"] !== "error") return undefined;
  const error = message["error"];
  const path = textIn(message, "item") ?? "";
  if (typeof error === "object" && error !== null)
    return { path, found: foundIn(error as ResticMessage, path) };
  return { path, found: String(error) };
}

/** Older ones tell Go's own error, with the number of the system's. */
function foundIn(error: ResticMessage, path: string): string {
  const said = textIn(error, "message");
  if (said !== undefined) return said.replace(`failed to save ${path}: `, "");
  const number = numberIn(error, "Err");
  const name = number === undefined ? undefined : (errnos[number] ?? `error ${number}`);
  return [textIn(error, "Op"), name].filter((one) => one !== undefined).join(": ") || JSON.stringify(error);
}

const errnos: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  5: "input/output error",
  13: "permission denied",
  16: "device or resource busy",
  20: "not a directory",
  21: "is a directory",
  22: "invalid argument",
  36: "file name too long",
  40: "too many levels of symbolic links",
  61: "no data available",
  74: "bad message",
  95: "operation not supported",
  116: "stale file handle",
  117: "structure needs cleaning",
  121: "remote I/O error",
  131: "state not recoverable",
};

/** What a line on the error output says; newer ones put the last one into JSON. */
export function complaintIn(line: string): string {
  const message = messageOf(line);
  return message?.["message_type"] === "exit_error" ? (textIn(message, "message") ?? line) : line;
}

/** What restic gives as the reason of its end, without what it has tried before; the whole text of a `Fatal:`. */
export function reasonIn(errors: readonly string[]): string {
  const told = errors.map(complaintIn);
  const last = told.findLastIndex((line) => /^\s*(?:Fatal:|unable to create lock)/.test(line));
  const reason = last >= 0 ? told.slice(last) : told.slice(-4);
  return reason
    .join("; ")
    .replace(/^\s*Fatal:\s*/, "")
    .replace(/\s*\n\s*/g, "; ")
    .replace(/(?:Fatal|Warning): /g, "")
    .trim()
    .slice(0, 1_000);
}
