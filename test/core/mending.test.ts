import { describe, expect, test } from "vitest";
import { BackupError } from "../../src/core/errors.ts";
import { mending, unreadableCodes } from "../../src/core/mending.ts";
import type { Unreadable, UnreadableFile } from "../../src/core/store-answers.ts";
import type { Store } from "../../src/core/store-ports.ts";

const { signal } = new AbortController();

const damage = (kind: UnreadableFile, id: string) =>
  new BackupError({
    kind: "refused",
    code: unreadableCodes[kind],
    doing: "prune",
    found: `restic: LoadRaw(<${kind}/${id}>): invalid data returned`,
  });

/** Mends what the function says, and counts. */
function repository(mends: (unreadable: Unreadable) => Promise<boolean>) {
  const asked: string[] = [];
  const mend = (unreadable: Unreadable) => {
    asked.push(`${unreadable.kind} ${unreadable.id}`);
    return mends(unreadable);
  };
  return { asked, store: { config: { name: "store" }, mend } as unknown as Store };
}

/** Fails by these one after the other, and then ends well. */
function failing(...errors: readonly Error[]) {
  let times = 0;
  return () => {
    const error = errors[times++];
    return error === undefined ? Promise.resolve(times) : Promise.reject(error);
  };
}

const yes = () => Promise.resolve(true);
const no = () => Promise.resolve(false);
const quiet = () => undefined;

describe("what is mended on the way", () => {
  test("is an index and each snapshot once, and told", async () => {
    const { asked, store } = repository(yes);
    const told: string[] = [];
    const act = failing(damage("index", "aa"), damage("snapshot", "bb"), damage("snapshot", "cc"));
    expect(await mending([store], act, (_, what) => told.push(what), signal)).toBe(4);
    expect(asked).toEqual(["index aa", "snapshot bb", "snapshot cc"]);
    expect(told.length).toBe(3);
  });

  test("ends where each new index is no better than the last", async () => {
    const { asked, store } = repository(yes);
    let times = 0;
    const act = () => Promise.reject(damage("index", `a${times++}`));
    await expect(mending([store], act, quiet, signal)).rejects.toMatchObject({ code: unreadableCodes.index });
    expect([asked, times]).toEqual([["index a0"], 2]);
  });

  test("is not a snapshot that is not ours, nor what may not be", async () => {
    const { asked, store } = repository(no);
    const act = failing(damage("snapshot", "bb"));
    await expect(mending([store], act, quiet, signal)).rejects.toMatchObject({
      found: damage("snapshot", "bb").found,
    });
    await expect(
      mending([store], failing(damage("snapshot", "cc")), quiet, signal, ({ kind }) => kind === "index"),
    ).rejects.toMatchObject({ code: unreadableCodes.snapshot });
    expect(asked).toEqual(["snapshot bb"]);
  });

  test("says why it was not, and only of the last", async () => {
    let first = true;
    const { store } = repository(() => {
      const why = first ? "first" : "second";
      first = false;
      return Promise.reject(new BackupError({ kind: "refused", doing: "mend", found: `the ${why} reason` }));
    });
    const act = failing(damage("index", "aa"), damage("snapshot", "bb"));
    const error = await mending([store], act, quiet, signal).catch((one: unknown) => one);
    expect(error).toMatchObject({ found: expect.stringMatching(/bb.*could not be mended.*second reason/) });
    expect(error).not.toMatchObject({ found: expect.stringContaining("first reason") });
  });
});
