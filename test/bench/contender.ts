/** What a contender needs to do the job once. */
export interface Work {
  /** The top of the checkout, with dist/ built. */
  root: string;
  /** A folder that lives as long as the benchmark. */
  folder: string;
  /** The agent's configuration file. */
  config: string;
  /** What the simulator told to export. */
  env: Readonly<Record<string, string>>;
}

/** Someone who does the same job as a whole process. */
export interface Contender {
  name: string;
  /** Absent, or a reason why it cannot take part here. */
  missing?(work: Work): string | undefined;
  command(work: Work): readonly string[];
  env?(work: Work): Readonly<Record<string, string>>;
}
