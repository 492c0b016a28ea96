import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteStore, createByteStore } from "./bytes.ts";
import { type CallLog, createCallLog } from "./call-log.ts";
import { type Clock, createClock } from "./clock.ts";
import { playAlarms } from "./cloudwatch/play-alarms.ts";
import { forgetDue, isDue, noteDue } from "./due.ts";
import { createFaultPlan, type FaultPlan } from "./faults.ts";
import { createOutbox } from "./outbox.ts";
import { openPlaces, type Places, savedPlaces } from "./places.ts";
import type { Scenario } from "./scenario.ts";
import { settleMachines } from "./settle-machines.ts";
import { settle } from "./settling.ts";
import { createStore, type Saved } from "./store.ts";
import type { World } from "./world.ts";
import { forgetIndex } from "./world-index.ts";

/** A simulator that is under way: its places, their clock, and what happens to calls. */
export interface Runtime {
  places: Places;
  clock: Clock;
  readonly faults: FaultPlan;
  readonly calls: CallLog;
  bytes: ByteStore;
  /** Where the simulator listens; set once it does. */
  url: string;
  /** Lets time do its work on the world. */
  settle(): Promise<void>;
  /** Plays the alarms that are due, and sends what they publish. */
  playAlarms(): void;
  /** Sends the messages that wait for their subscribers. */
  deliver(): Promise<void>;
  /** Told that things of a place change, or may have changed; `untimed`: in a way that time has nothing to do with. */
  changed(world: World, untimed?: boolean): void;
  /** Keeps the state, when there is a directory to keep it in. */
  save(): void;
  /** Waits real milliseconds; ends early when the simulator closes. */
  sleep(milliseconds: number): Promise<void>;
  /** Goes back to the beginning of the scenario, or of another one. No faults, no record of calls. @throws ScenarioError */
  reset(scenario?: Scenario): void;
  /** Keeps the state a last time and clears up. */
  close(): void;
}

/**
 * @param directory where state and bytes are kept; without it both go when the simulator closes.
 * @throws ScenarioError, StoreError
 */
export function createRuntime(given: Scenario, directory: string | undefined): Runtime {
  let scenario = given;
  const store = directory === undefined ? undefined : createStore(directory);
  const place = directory ?? join(tmpdir(), `ec2-backup-simulator-${randomUUID()}`);
  const bytesOf = (one: Scenario) =>
    createByteStore(
      one.snapshotData ?? join(place, "snapshots"),
      one.volumeData ?? join(place, "volumes"),
      one.volumeData !== undefined,
    );
  const sleepers = new Set<() => void>();
  const { clock, places } = begin(scenario, store?.load());
  const outbox = createOutbox(
    () => runtime,
    () => runtime.save(),
  );
  const runtime: Runtime = {
    url: "",
    clock,
    places,
    faults: createFaultPlan(),
    calls: createCallLog(),
    bytes: bytesOf(scenario),
    async settle() {
      const now = runtime.clock.now();
      const elapsed = runtime.clock.elapsed();
      const due = runtime.places.all.filter((world) => isDue(world, now, elapsed));
      const gone = due.flatMap((world) => settle(world, now, elapsed));
      runtime.playAlarms();
      const files = due.flatMap((world) => settleMachines(world, now));
      for (const world of due) {
        forgetIndex(world);
        noteDue(world, now);
      }
      for (const file of [...gone.map((snapshot) => snapshot.file), ...files]) await runtime.bytes.drop(file);
    },
    changed(world, untimed = false) {
      forgetIndex(world);
      if (!untimed) forgetDue(world);
    },
    playAlarms() {
      const played = runtime.places.all.map((world) => playAlarms(world, runtime.clock.now()));
      if (!played.includes(true)) return;
      runtime.save();
      void outbox.send();
    },
    deliver: () => outbox.send(),
    save: () => store?.save({ version: 1, clock: runtime.clock.state(), ...savedPlaces(runtime.places) }),
    sleep: (milliseconds) => pause(sleepers, milliseconds),
    reset(other) {
      const fresh = begin(other ?? scenario);
      scenario = other ?? scenario;
      runtime.clock = fresh.clock;
      runtime.places = fresh.places;
      runtime.faults.clear();
      runtime.calls.clear();
      runtime.bytes.clear();
      runtime.bytes = bytesOf(scenario);
      runtime.save();
    },
    close() {
      outbox.close();
      runtime.save();
      for (const wake of [...sleepers]) wake();
      if (directory !== undefined) return;
      runtime.bytes.clear();
      rmSync(place, { recursive: true, force: true });
    },
  };
  runtime.save();
  return runtime;
}

function begin(scenario: Scenario, saved?: Saved): { clock: Clock; places: Places } {
  const start = scenario.clock?.start === undefined ? Date.now() : Date.parse(scenario.clock.start);
  const clock = createClock(start, scenario.clock?.speed ?? 1, saved?.clock);
  return { clock, places: openPlaces(scenario, clock.now(), saved) };
}

function pause(sleepers: Set<() => void>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      sleepers.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    sleepers.add(wake);
  });
}
