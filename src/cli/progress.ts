import type { Log } from "../core/ports.ts";

/** A bar that is redrawn in place; on anything but a terminal it draws nothing. */
export interface ProgressBar {
  update(percent: number, label: string): void;
  end(): void;
}

export function progressBar(stream: {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}): ProgressBar {
  let drawn = false;
  return {
    update(percent, label) {
      if (stream.isTTY !== true) return;
      // A line that the terminal breaks is not redrawn as a whole.
      const width = (stream.columns || 80) - 1;
      const cells = width < 70 ? 10 : 30;
      const full = Math.round((Math.min(100, percent) / 100) * cells);
      const line = `${"█".repeat(full)}${"░".repeat(cells - full)} ${percent.toFixed(0).padStart(3)} %  ${label}`;
      stream.write(`\r\x1b[K${line.slice(0, width)}`);
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
