/** Bytes of items that are read at a time: few enough that what is left of them is swept up at once. */
const usualSize = 64 * 1024;

const [less, slash] = [60, 47];
const itemEnd = "item>";

/** Is given some items as an answer of their own. */
type Take = (group: Buffer) => Promise<void>;

/**
 * Reads an answer of EC2's as it comes: the items of its one list are given on in groups, each an answer of its own,
 * and what is returned is the answer without them. A page of a thousand snapshots is megabytes, and read as a whole it
 * becomes tens of them; in groups nothing is ever larger than a few hundred kilobytes. What breaks off within an item
 * stays in what is returned, where it is found to be no XML.
 */
export async function inGroupsOfItems(
  body: AsyncIterable<Uint8Array>,
  set: string,
  take: Take,
  groupSize = usualSize,
): Promise<Buffer> {
  const answer = new Answer(set, take);
  for await (const chunk of body) {
    answer.pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    answer.size += chunk.length;
    if (answer.size >= groupSize) await answer.giveOn();
  }
  await answer.giveOn();
  return Buffer.concat([...answer.head, ...answer.pending]);
}

class Answer {
  /** What has come and is in no group yet; behind the list, all the rest. */
  pending: Buffer[] = [];
  /** Bytes that have come since the last group. */
  size = 0;
  readonly head: Buffer[] = [];
  readonly #open: Buffer;
  readonly #close: Buffer;
  readonly #before: Buffer;
  readonly #after: Buffer;
  readonly #take: Take;
  #place: "before" | "within" | "behind" = "before";

  constructor(set: string, take: Take) {
    this.#open = Buffer.from(`<${set}>`);
    this.#close = Buffer.from(`</${set}>`);
    this.#before = Buffer.from(`<Answer><${set}>`);
    this.#after = Buffer.from(`</${set}></Answer>`);
    this.#take = take;
  }

  async giveOn(): Promise<void> {
    this.size = 0;
    if (this.#place === "behind") return;
    // With room around the items for what makes an answer of them: each copy is garbage until the next collection.
    const whole = Buffer.concat([this.#before, ...this.pending, this.#after]);
    const text = whole.subarray(this.#before.length, whole.length - this.#after.length);
    const from = this.#place === "before" ? this.#enter(text) : 0;
    const group = this.#place === "within" ? this.#wholeItems(text.subarray(from)) : 0;
    // A copy, since a part would hold on to the whole.
    this.pending = [Buffer.from(text.subarray(from + group))];
    if (group > 0) await this.#give(whole, this.#before.length + from, group);
  }

  /** Where the list begins, if it does. */
  #enter(text: Buffer): number {
    const begin = text.indexOf(this.#open);
    if (begin < 0) return 0;
    this.#place = "within";
    const end = begin + this.#open.length;
    this.head.push(Buffer.from(text.subarray(0, end)));
    return end;
  }

  /** How many bytes of the list are whole items. */
  #wholeItems(text: Buffer): number {
    // What may hide the ends of items is left to who reads the rest; EC2 sends no such thing.
    if (text.includes("<!")) {
      this.#place = "behind";
      return 0;
    }
    const { end, isLast } = wholeItems(text, this.#close);
    if (isLast) this.#place = "behind";
    return end;
  }

  #give(whole: Buffer, from: number, length: number): Promise<void> {
    const begin = from - this.#before.length;
    this.#before.copy(whole, begin);
    const end = from + length + this.#after.copy(whole, from + length);
    return this.#take(whole.subarray(begin, end));
  }
}

/** Where the last whole item of a piece of a list ends, and whether the list ends there. */
function wholeItems(text: Buffer, close: Buffer): { readonly end: number; readonly isLast: boolean } {
  const over = text.indexOf(close);
  const limit = over < 0 ? text.length : over;
  let depth = 0;
  let end = 0;
  for (
    let at = text.indexOf(itemEnd);
    at >= 0 && at < limit;
    at = text.indexOf(itemEnd, at + itemEnd.length)
  ) {
    if (text[at - 1] === less) depth += 1;
    else if (text[at - 1] === slash && text[at - 2] === less) {
      depth -= 1;
      if (depth === 0) end = at + itemEnd.length;
    }
  }
  return { end, isLast: over >= 0 };
}
