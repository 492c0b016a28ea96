/** What the kernel says of a process. */
export interface ProcessStat {
  /** It has ended, and only its parent has not yet buried it. */
  readonly isDead: boolean;
  readonly group: number;
  /** When it began, in clock ticks since boot, as the kernel writes them. */
  readonly start: string;
  /** How long it has computed, for itself and in the kernel, in clock ticks. */
  readonly ticks: number;
}

/** The line of /proc/PID/stat (see proc_pid_stat(5)). */
export function parseProcessStat(line: string): ProcessStat {
  // The name comes second, in parentheses, and may contain anything.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state = "", , group] = fields;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { isDead: /[ZXx]/.test(state), group: Number(group), start: fields[19] ?? "", ticks };
}
