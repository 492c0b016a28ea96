import type { Permission } from "./identity-policies.ts";
import type { ServiceName } from "./service-name.ts";

/** One request to a simulated service. */
export interface Call {
  /** Counts from 1. */
  number: number;
  /** Simulated time of its arrival, ISO 8601. */
  time: string;
  service: ServiceName | "unknown";
  /** The action; for the metadata service the path. */
  action: string;
  /** The account of who called, where that is known, and the Region that the request is signed for. */
  account: string | null;
  region: string | null;
  /** ARN of who called, once known. */
  principal: string | null;
  /** The decoded parameters, or as they came when they could not be decoded. */
  parameters: unknown;
  userAgent: string;
  /** The permissions that it needed, each with the condition keys that a policy is asked with. */
  permissions?: Permission[];
  /** The faults that hit it. */
  faults: string[];
  /** How it ended: null while it is under way, status null when no answer was sent (`code` then names the fault). */
  outcome: { status: number | null; code: string } | null;
}

/** The record of all calls. */
export interface CallLog {
  begin(call: Omit<Call, "number" | "faults" | "outcome">): Call;
  end(call: Call, status: number | null, code: string): void;
  /** The calls after the one with that number. */
  since(number: number): Call[];
  /** The same, but waits up to so many milliseconds until at least one of them has ended. */
  waitSince(number: number, milliseconds: number): Promise<Call[]>;
  clear(): void;
}

/** An empty record. It belongs to the process: a restarted simulator starts a new one. */
export function createCallLog(): CallLog {
  let calls: Call[] = [];
  let next = 1;
  const waiting = new Set<() => void>();
  const since = (number: number) => calls.filter((call) => call.number > number);
  return {
    begin(given) {
      const call: Call = { number: next++, ...given, faults: [], outcome: null };
      calls.push(call);
      return call;
    },
    end(call, status, code) {
      call.outcome = { status, code };
      for (const wake of [...waiting]) wake();
    },
    since,
    async waitSince(number, milliseconds) {
      const deadline = performance.now() + milliseconds;
      while (!since(number).some((call) => call.outcome !== null)) {
        const left = deadline - performance.now();
        if (left <= 0) break;
        await new Promise<void>((resolve) => {
          const wake = () => {
            clearTimeout(timer);
            waiting.delete(wake);
            resolve();
          };
          const timer = setTimeout(wake, left);
          waiting.add(wake);
        });
      }
      return since(number);
    },
    clear() {
      calls = [];
      next = 1;
    },
  };
}
