import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment, systemProgram } from "./system-path.ts";

/**
 * The address of a host, asked for in a process of its own that can be ended: a question to a name server
 * that does not answer keeps a thread of ours, and even `process.exit` waits for that (10 s by default).
 * Systems without getent(1) have no other way. Rejects with a sentence when there is no answer.
 */
export async function addressOf(host: string, family: 4 | 6, signal: AbortSignal): Promise<string> {
  if (isIP(host) !== 0) return host;
  const getent = await systemProgram("getent");
  if (getent === undefined) {
    const found = await lookup(host, { family }).catch((error: unknown) => {
      throw unknown(host, codeOf(error));
    });
    return found.address;
  }
  const answer = await new Promise<string>((resolve, reject) => {
    const options = { env: systemEnvironment, signal, killSignal: "SIGKILL", cwd: "/" } as const;
    execFile(getent, [`ahostsv${family}`, host], options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(unknown(host, signal.aborted ? "no answer in time" : "none")),
    );
  });
  // For who has no address of version 6, getent makes one of that of version 4.
  const address = answer.split(/\s/).find((word) => isIP(word) === family && !word.startsWith("::ffff:"));
  if (address === undefined) throw unknown(host, "none");
  return address;
}

function unknown(host: string, found: string): Error {
  return new Error(`the address of ${host} was asked for and there was ${found}`);
}
