import type { HttpRequest } from "./api-request.ts";
import type { Ending } from "./dispatch.ts";
import type { Fault } from "./faults.ts";
import { answerImds, type ImdsAnswer } from "./imds/service.ts";
import type { Runtime } from "./runtime.ts";

/** Carries out a request to the metadata service; faults concern it only when they name the service `imds`. */
export async function dispatchImds(runtime: Runtime, http: HttpRequest): Promise<Ending> {
  const { home } = runtime.places;
  const { account, region } = home.settings;
  const call = runtime.calls.begin({
    time: new Date(runtime.clock.now()).toISOString(),
    service: "imds",
    action: http.path,
    account,
    region,
    principal: null,
    parameters: { method: http.method },
    userAgent: String(http.headers["user-agent"] ?? ""),
  });
  const faults = runtime.faults.strike({
    service: "imds",
    action: http.path,
    account,
    region,
    dryRun: false,
  });
  call.faults = faults.map((fault) => fault.kind);
  const end = (kind: "reset" | "hang", code: string): Ending => {
    runtime.calls.end(call, null, code);
    return { kind };
  };
  for (const fault of faults) {
    if (fault.kind === "delay") await runtime.sleep(fault.ms ?? 1_000);
    if (fault.kind === "reset-before" || fault.kind === "reset-after") return end("reset", fault.kind);
    if (fault.kind === "hang" || fault.kind === "hang-after") return end("hang", fault.kind);
  }
  const injected = faults.map(injectedStatus).find((status) => status !== undefined);
  const answer: ImdsAnswer =
    injected === undefined
      ? answerImds(home, {
          method: http.method,
          path: http.path,
          headers: http.headers,
          now: runtime.clock.now(),
          elapsed: runtime.clock.elapsed(),
          stale: faults.some((fault) => fault.kind === "expired"),
        })
      : { status: injected, body: `${injected}` };
  if (answer.silent) return end("hang", "hop-limit");
  if (answer.status === 200) runtime.save();
  runtime.calls.end(call, answer.status, answer.status === 200 ? "OK" : String(answer.status));
  const malformed = faults.some((fault) => fault.kind === "malformed");
  const body = Buffer.from(malformed ? "<html>{" : (answer.body as Uint8Array));
  const headers = { "content-type": "text/plain", server: "EC2ws", ...answer.headers };
  const truncated = faults.some((fault) => fault.kind === "truncated");
  return { kind: truncated ? "truncated" : "answer", answer: { status: answer.status, headers, body } };
}

function injectedStatus(fault: Fault): number | undefined {
  switch (fault.kind) {
    case "throttle":
    case "503":
      return 503;
    case "500":
      return 500;
    case "denied":
      return 403;
    case "error":
      return fault.status ?? 500;
    default:
      return undefined;
  }
}
