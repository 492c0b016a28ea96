import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { isIPv4, isIPv6 } from "node:net";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";

/** A service of AWS that answers with the address that it sees. */
const addressService = "https://checkip.amazonaws.com/";

/** Milliseconds for the answer. */
const patience = 10_000;

/** The address of this host as others see it, as a CIDR of one. */
export async function callerAddress(signal: AbortSignal, service = addressService): Promise<string> {
  const doing = `ask ${service} for this host's address`;
  const remedy = "say it by --from, such as --from 203.0.113.7/32";
  let text: string;
  try {
    text = (await get(service, AbortSignal.any([signal, AbortSignal.timeout(patience)]))).trim();
  } catch (error) {
    if (signal.aborted) throw new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
    throw new BackupError({ kind: "unreachable", doing, found: codeOf(error), remedy });
  }
  if (isIPv4(text)) return `${text}/32`;
  if (isIPv6(text)) return `${text}/128`;
  throw new BackupError({ kind: "unexpected", doing, found: "the answer is no address", remedy });
}

function get(service: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = service.startsWith("http:") ? plain : secure;
    const asked = request(service, { signal, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (more: string) => {
        text = (text + more).slice(0, 100);
      });
      answer.on("error", reject);
      answer.on("end", () =>
        answer.statusCode === 200 ? resolve(text) : reject(new Error(`it answered ${answer.statusCode}`)),
      );
    });
    asked.on("error", reject);
    asked.end();
  });
}
