import type { LedgerDirectory } from "../host/ledger-directory.ts";
import { closeDescriptors } from "../host/mount-descriptors.ts";
import { groupHas, signalGroup } from "../host/process-identity.ts";
import type { ShellProcess } from "../host/shell-script.ts";
import { sleep } from "../host/sleep.ts";
import type { GuardAnswer, MountOutcome } from "./guard-answer.ts";
import { type OwnThaw, ownedBy, ownThaw } from "./own-thaw.ts";

/** Absolute paths. */
export type GuardPrograms = Readonly<Record<"sh" | "fsfreeze" | "flock" | "sleep" | "mkfifo", string>>;

export interface GuardParts {
  readonly shell: ShellProcess;
  readonly ledger: LedgerDirectory;
  readonly programs: GuardPrograms;
  /** By their numbers in the guard: the path and our own descriptor. */
  readonly mounts: ReadonlyMap<number, { readonly path: string; readonly descriptor: number }>;
  /** How long the guard may take beyond the deadline, or to thaw, before we do it. Milliseconds. */
  readonly answerTimeout: number;
  /** How long after the deadline we may be silent before we are killed. Milliseconds. */
  readonly grace: number;
}

/** How long after the deadline it is left to the timer to thaw. Milliseconds. */
const lateness = 500;

const outcomeLine = /^(frozen|busy|failed|thawed|loose|stuck) (\d+)(?: (.*))?$/;

/**
 * Speaks with a guard that is ready, and thaws in its place when it cannot.
 *
 * INVARIANT: between the beginning of a freeze and the end of its thaw nothing here touches a file but
 * the ledger, and nothing uses Node's threads.
 */
export class Guard {
  readonly #parts: GuardParts;
  #hold = 0;
  /** Whether something may be frozen by us. */
  #holding = false;
  #lost: string | undefined;
  #outcomes: MountOutcome[] = [];
  #done: () => void = () => undefined;
  /** When the deadline is, as `performance.now()` counts. */
  #end = 0;
  /** Whom it would be wrong to thaw, also where the ledger cannot tell: all, until a freeze is asked for. */
  readonly #settled: Set<number>;
  readonly #reasons = new Map<number, string>();
  readonly #stop = new AbortController();
  /** While it goes on. */
  #ownThaw: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #closed: Promise<void> | undefined;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#settled = new Set(parts.mounts.keys());
    void parts.shell.ended.then((how) => {
      this.#lost ??= `the guard ${how}`;
      if (this.#holding) void this.#thawOurselves();
    });
  }

  /** A line that the guard has said. */
  hear(line: string): void {
    if (line === "done") this.#done();
    const [, word, number, why = ""] = outcomeLine.exec(line) ?? [];
    const mount = this.#parts.mounts.get(Number(number));
    if (mount === undefined) return;
    this.#outcomes.push({ path: mount.path, word: word as MountOutcome["word"], why });
    if (word === "busy" || word === "thawed" || word === "loose") this.#settled.add(Number(number));
  }

  /**
   * Has the timer and the thawers stand by. The guard thaws after the deadline, in milliseconds from now,
   * whatever happened. Returns what was wrong; then there is nothing to thaw.
   */
  async arm(deadline: number): Promise<GuardAnswer | undefined> {
    if (this.#lost !== undefined) return { outcomes: [], lost: this.#lost };
    this.#hold += 1;
    this.#reasons.clear();
    this.#holding = true;
    this.#end = performance.now() + deadline;
    this.#timers = [this.#answerAt(deadline)];
    const times = `${deadline / 1000} ${(deadline + this.#parts.grace) / 1000}`;
    const answer = await this.#ask(`arm ${this.#hold} ${times}`, this.#parts.answerTimeout);
    if (answer.lost === undefined && answer.outcomes.length === 0) return undefined;
    await this.thaw();
    return answer;
  }

  /** Freezes all or none, once it is armed. */
  async freeze(): Promise<GuardAnswer> {
    const patience = (): number =>
      this.#end + Math.min(lateness, this.#parts.answerTimeout) - performance.now();
    this.#settled.clear();
    const answer = await this.#ask("freeze", patience());
    const isFrozen = answer.lost === undefined && answer.outcomes.every(({ word }) => word === "frozen");
    if (isFrozen) this.#timers.push(this.#thawAfter(patience()));
    else this.#release();
    return answer;
  }

  /** Thaws; a thaw that the guard does not do is done by ourselves. */
  async thaw(): Promise<GuardAnswer> {
    const answer = await this.#ask("thaw", this.#parts.answerTimeout);
    this.#release();
    if (answer.lost !== undefined || answer.outcomes.every(({ word }) => word !== "stuck")) return answer;
    await this.#patiently(this.#thawOurselves());
    const left = this.#left();
    return {
      outcomes: answer.outcomes.map((one) => {
        if (one.word !== "stuck") return one;
        return left.find(({ path }) => path === one.path) ?? { ...one, word: "thawed" };
      }),
    };
  }

  /** Thaws what is left, ends all processes and removes the ledger, unless something is frozen still. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { shell, ledger, mounts, answerTimeout } = this.#parts;
    shell.hangUp();
    const late = await Promise.race([shell.ended.then(() => undefined), silence(answerTimeout)]);
    if ((late !== undefined && this.#holding) || this.#left().length > 0)
      await this.#patiently(this.#thawOurselves());
    this.#release();
    this.#stop.abort();
    await this.#patiently(this.#ownThaw);
    try {
      // While a freeze or a thaw hangs, nobody of the guard may be ended: who is left will thaw.
      if (this.#left().length === 0) await this.#endGroup();
      else if (late !== undefined) await this.#signalGroup("CONT");
      if (this.#left().length === 0) await ledger.remove();
    } catch {
      // What stays is found by the next start.
    }
    // A thaw that still hangs has its descriptors by their numbers.
    if (this.#ownThaw === undefined)
      closeDescriptors([...mounts.values()].map(({ descriptor }) => descriptor));
  }

  async #ask(command: string, patience: number): Promise<GuardAnswer> {
    this.#outcomes = [];
    const done = new Promise<undefined>((resolve) => {
      this.#done = () => resolve(undefined);
    });
    const { shell } = this.#parts;
    if (this.#lost === undefined) {
      shell.say(command);
      const how = await Promise.race([done, shell.ended, silence(patience)]);
      if (how === undefined) return { outcomes: this.#outcomes };
      this.#lost ??= `the guard ${how}`;
    }
    await this.#patiently(this.#thawOurselves());
    return { outcomes: [...this.#left(), ...this.#outcomes], lost: this.#lost };
  }

  /** What is or may be frozen by us still. */
  #left(): MountOutcome[] {
    const { frozen, waiting } = ownedBy(this.#thawed());
    const { mounts } = this.#parts;
    const outcome = (number: number, word: "stuck" | "hanging", why: string): MountOutcome[] => {
      const mount = mounts.get(number);
      return mount === undefined ? [] : [{ path: mount.path, word, why }];
    };
    return [
      ...frozen.flatMap((one) => outcome(one, "stuck", this.#reasons.get(one) ?? "it could not be thawed")),
      ...waiting.flatMap((one) => outcome(one, "hanging", "its freeze hangs in the system")),
    ];
  }

  /** Tells the timer, when it acts, that we are no stopped process. */
  #answerAt(deadline: number): NodeJS.Timeout {
    const { ledger } = this.#parts;
    const answer = `answered ${this.#hold}`;
    return setTimeout(() => {
      try {
        ledger.append(answer);
      } catch {
        // Then we are taken for stopped.
      }
    }, deadline);
  }

  /** Stands in for a timer that does nothing, since all of the guard is stopped. */
  #thawAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#left().length === 0) return;
      this.#lost ??= "the deadline passed before the capture was over";
      void this.#thawOurselves();
    }, ms);
  }

  /** Goes on until nothing is left, or until we are closed; a later one begins anew. */
  #thawOurselves(): Promise<void> {
    const { programs, answerTimeout } = this.#parts;
    const order = { ...this.#thawed(), fsfreeze: programs.fsfreeze, timeout: answerTimeout };
    this.#ownThaw ??= ownThaw(order, this.#stop.signal).finally(() => {
      this.#ownThaw = undefined;
    });
    return this.#ownThaw;
  }

  #thawed(): OwnThaw {
    const { ledger, mounts } = this.#parts;
    const descriptors = new Map([...mounts].map(([number, { descriptor }]) => [number, descriptor]));
    return { ledger, hold: this.#hold, descriptors, settled: this.#settled, reasons: this.#reasons };
  }

  #release(): void {
    this.#holding = false;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** A freeze that hangs in the kernel hangs our thaw too; it goes on, but nobody waits for it. */
  async #patiently(what: Promise<void> | undefined): Promise<void> {
    await Promise.race([what, silence(2 * this.#parts.answerTimeout)]);
  }

  /** Ends whoever of the guard is left; the lock tells whether there is anybody. */
  async #endGroup(): Promise<void> {
    const { ledger, programs, answerTimeout } = this.#parts;
    for (let waited = 0; waited <= answerTimeout; waited += 20) {
      const unlock = await ledger.lock(programs.flock);
      if (unlock !== undefined) return unlock();
      await this.#signalGroup("KILL");
      await sleep(20);
    }
  }

  /** The lock may be a stranger's, and the group's number too: only who has our ledger's name is meant. */
  async #signalGroup(signal: "CONT" | "KILL"): Promise<void> {
    const { shell, ledger, programs } = this.#parts;
    if (shell.pid !== undefined && groupHas(shell.pid, ledger.path))
      await signalGroup(shell.pid, signal, programs.sh);
  }
}

/** Resolves after the time, which keeps no process alive, with what is to be said of it. */
export function silence(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`said nothing for ${Math.ceil(ms)} ms`), ms).unref();
  });
}
