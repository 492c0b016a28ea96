import { InvalidArgumentError, type Command as Program } from "commander";
import type { BareRepository, PointQuery } from "../core/restore-query.ts";
import { storedPlace } from "../core/stored-path.ts";

type Options = Record<string, unknown>;

/** The words of a repository that is read, where points of files may be meant. */
export function withRepositoryOptions(command: Program): Program {
  return command
    .option("--repository <url>", "of a repository that no configuration names, in restic's words")
    .option("--password-file <file>", "with --repository: its password")
    .option("--environment-file <file>", "with --repository: KEY=value lines for restic")
    .option("--cacert <file>", "with --repository: who signs the server's certificate")
    .option("--option <key=value>", "with --repository: restic's own -o (repeat)", collectedOption);
}

const withRepository = ["passwordFile", "environmentFile", "cacert", "option"] as const;

/** The repository that was named by its address. */
export function bareOf(command: Program, options: Options): Pick<PointQuery, "bare"> {
  const { repository, passwordFile, environmentFile, cacert, option } = options;
  if (typeof repository !== "string") {
    const stray = withRepository.find((name) => options[name] !== undefined);
    const flag = stray?.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`);
    if (flag !== undefined) command.error(`error: --${flag} needs --repository`);
    return {};
  }
  if (typeof passwordFile !== "string") return command.error("error: --repository needs --password-file");
  if (options["from"] !== undefined)
    command.error(
      "error: --repository and --from contradict each other: --from names one of the configuration",
    );
  const bare: BareRepository = {
    url: repository,
    passwordFile,
    ...(typeof environmentFile === "string" ? { environmentFile } : {}),
    ...(typeof cacert === "string" ? { cacert } : {}),
    options: (option as Record<string, string> | undefined) ?? {},
  };
  return { bare };
}

/** A snapshot of EC2, or the name of a repository. */
export function source(text: string): string {
  if (/^snap-/.test(text) ? /^snap-[0-9a-f]{8,17}$/.test(text) : /^\w[\w.-]*$/.test(text)) return text;
  throw new InvalidArgumentError("expected snap-… or the name of a repository.");
}

/** What `--from` names. */
export function fromOf(text: unknown): Pick<PointQuery, "from" | "repository"> {
  if (typeof text !== "string") return {};
  return /^snap-/.test(text) ? { from: text } : { repository: text };
}

/** A path, or `dump/NAME`. */
export function place(text: string): string {
  if (storedPlace(text) === undefined)
    throw new InvalidArgumentError("expected an absolute path, or dump/NAME for a dump.");
  return text;
}

/** The same for an argument that may be given several times. */
export function places(text: string, before: readonly string[] = []): string[] {
  return [...before, place(text)];
}

function collectedOption(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected KEY=VALUE.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
