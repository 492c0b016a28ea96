import { createHash, randomBytes } from "node:crypto";
import type { SqlSession } from "./sql-session.ts";

/** Rows of one transaction: a half of one would show that a commit is not whole. */
const rowsEach = 3;

const table =
  "CREATE TABLE ledger (number INT, part INT, payload TEXT, sum CHAR(32), PRIMARY KEY (number, part))";

/** What is in the table of a load. */
export interface Ledger {
  /** Transactions, numbered from 1. */
  readonly count: number;
  /** Whether they are 1 to the count, each with all of its rows. */
  readonly whole: boolean;
  /** Rows whose checksum is not that of their payload. */
  readonly wrong: number;
}

/** Commits numbered transactions one after another, each row with a checksum, until it is stopped. */
export class Load {
  readonly #session: SqlSession;
  readonly #begun: number[] = [];
  readonly #heard: number[] = [];
  #committed = 0;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  private constructor(session: SqlSession) {
    this.#session = session;
  }

  /** In the session's current database, where it makes its table. */
  static async start(session: SqlSession): Promise<Load> {
    await session.query(table);
    const load = new Load(session);
    load.#done = load.#run();
    // Told by stop().
    load.#done.catch(() => undefined);
    return load;
  }

  /** How many transactions the server has said it has committed. */
  get committed(): number {
    return this.#committed;
  }

  /**
   * How many transactions a copy of that instant must hold at least, since the server had said so, and how many it
   * can hold at most, since no other had begun. Milliseconds of Date.now().
   */
  boundsAt(instant: number): { readonly least: number; readonly most: number } {
    const until = (times: readonly number[]): number => times.filter((time) => time < instant).length;
    return { least: until(this.#heard), most: until(this.#begun) };
  }

  /** Waits until so many more have been committed. */
  async more(count: number): Promise<void> {
    const until = this.#committed + count;
    while (this.#committed < until)
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, 5)),
        this.#done.then(() => this.#ended()),
      ]);
  }

  /** Ends after the transaction under way; rejects with what the load failed of. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  #ended(): void {
    if (!this.#stopping) throw new Error("the load has ended");
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const number = this.#committed + 1;
      const rows = Array.from({ length: rowsEach }, (_, part) => rowOf(number, part));
      this.#begun.push(Date.now());
      await this.#session.query(`BEGIN; INSERT INTO ledger VALUES ${rows.join(", ")}; COMMIT`);
      this.#heard.push(Date.now());
      this.#committed = number;
    }
  }
}

function rowOf(number: number, part: number): string {
  const payload = randomBytes(200).toString("hex");
  const sum = createHash("md5").update(`${number} ${part} ${payload}`).digest("hex");
  return `(${number}, ${part}, '${payload}', '${sum}')`;
}

/** Reads every row and checks it. */
export async function ledgerOf(session: SqlSession): Promise<Ledger> {
  const rows = await session.query(
    "SELECT CONCAT(number, ' ', part, ' ', payload, ' ', sum) FROM ledger ORDER BY number, part",
  );
  const parsed = rows.map((row) => row.split(" "));
  const wrong = parsed.filter(
    ([number, part, payload, sum]) =>
      createHash("md5").update(`${number} ${part} ${payload}`).digest("hex") !== sum,
  );
  const expected = parsed.map((_, index) => `${Math.floor(index / rowsEach) + 1} ${index % rowsEach}`);
  const whole =
    parsed.length % rowsEach === 0 && parsed.every(([a, b], index) => `${a} ${b}` === expected[index]);
  return { count: parsed.length / rowsEach, whole, wrong: wrong.length };
}
