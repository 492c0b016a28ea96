import { execFile } from "node:child_process";

/** Tells the service manager how we are, if there is one that listens. */
export interface ServiceManager {
  /** Microseconds of WATCHDOG_USEC as milliseconds, where a watchdog is wanted of this process. */
  readonly watchdogMs?: number;
  notify(...states: string[]): Promise<void>;
}

/**
 * systemd's notification protocol by systemd-notify(1), since Node cannot send datagrams to a socket
 * of the filesystem. What it cannot deliver, it reports by `onFailure` and never throws: a service that
 * cannot speak must still make backups.
 */
export function serviceManager(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  onFailure: (message: string) => void,
): ServiceManager {
  if (env["NOTIFY_SOCKET"] === undefined) return { notify: () => Promise.resolve() };
  const usec = Number(env["WATCHDOG_USEC"] ?? Number.NaN);
  const ours = env["WATCHDOG_PID"] === undefined || Number(env["WATCHDOG_PID"]) === pid;
  return {
    ...(ours && usec > 0 ? { watchdogMs: usec / 1000 } : {}),
    notify: (...states) =>
      new Promise((resolve) => {
        execFile("systemd-notify", [`--pid=${pid}`, ...states], { env, timeout: 5_000 }, (error) => {
          if (error !== null)
            onFailure(`systemd-notify ${states.join(" ")}: ${error.message.split("\n")[0]}`);
          resolve();
        });
      }),
  };
}
