import { createTask } from "node-cron";

/** A wake-up that was asked for; `cancel` may be called at any time, also after it. */
export interface WakeUp {
  cancel(): void;
}

/**
 * Wakes once at an instant, to the second, also if the host slept over it: then as soon as it is awake.
 * An instant that has passed wakes at once, but never before this returns.
 * node-cron only wakes us; which slots there are and what to do about them, core/schedule decides.
 */
export function wakeAt(instant: Date, wake: () => void): WakeUp {
  const at = new Date(Math.ceil(instant.getTime() / 1000) * 1000);
  const expression = [
    at.getUTCSeconds(),
    at.getUTCMinutes(),
    at.getUTCHours(),
    at.getUTCDate(),
    at.getUTCMonth() + 1,
    "*",
  ].join(" ");
  let done = false;
  const fire = (): void => {
    // The same date of an earlier year matches too; the slot may be more than a year away.
    if (done || Date.now() < at.getTime()) return;
    done = true;
    void task.destroy();
    wake();
  };
  const task = createTask(expression, fire, { timezone: "UTC", suppressMissedWarning: true });
  task.on("execution:missed", fire);
  void task.start();
  // An instant that has passed, or passed while we asked, matches again only in a year.
  if (Date.now() >= at.getTime()) setTimeout(fire, 0);
  return {
    cancel() {
      if (done) return;
      done = true;
      void task.destroy();
    },
  };
}
