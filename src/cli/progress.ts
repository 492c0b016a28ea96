import type { Log } from "../core/ports.ts";

/** A bar that is redrawn in place; on anything but a terminal it draws nothing. */
export interface ProgressBar {
  update(percent: number, label: string): void;
  end(): void;
}

export function progressBar(stream: { write(text: string): unknown; isTTY?: boolean }): ProgressBar {
  const cells = 30;
  let drawn = false;
  return {
    update(percent, label) {
      if (stream.isTTY !== true) return;
      const full = Math.round((Math.min(100, percent) / 100) * cells);
      stream.write(
        `\r\x1b[K${"█".repeat(full)}${"░".repeat(cells - full)} ${percent.toFixed(0).padStart(3)} %  ${label}`,
      );
      drawn = true;
    },
    end() {
      if (drawn) stream.write("\r\x1b[K");
      drawn = false;
    },
  };
}

/** The same log, whose lines begin where the bar was: it is drawn anew below them. */
export function besideBar(log: Log, bar: ProgressBar): Log {
  return (...line) => {
    bar.end();
    log(...line);
  };
}
