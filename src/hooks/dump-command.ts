import type { CommandDumpConfig, DumpHost, DumpStream } from "../core/dump-config.ts";
import { streamOf } from "./dump-names.ts";
import { prepareProgram, sourceOf } from "./dump-program.ts";

/** The one stream of a program: what it prints. */
export async function commandStreams(
  config: CommandDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  const [program = "", ...args] = config.run;
  const wish = { programs: [program], args, env: { ...config.env } };
  const prepared = await prepareProgram(wish, config, host, signal);
  const source = sourceOf(prepared, config.file ?? config.name, config, host);
  return [streamOf(config, undefined, { kind: "command", format: "bytes" }, source)];
}
