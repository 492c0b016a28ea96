import { expect, test } from "vitest";
import type { DirectoryDeps } from "../../src/actions/directory-deps.ts";
import { withThrowAway } from "../../src/actions/throw-away.ts";
import { directoryWorkTags } from "../../src/core/directory.ts";
import type { DirectoryPlaces, DiskHost, LeftOver } from "../../src/core/directory-ports.ts";
import type { Clock } from "../../src/core/ports.ts";

const minute = 60_000;
const plan = {
  ...{ zone: "eu-central-1a", subnet: "subnet-1", vpc: "vpc-1", type: "t3.small", image: "ami-1" },
  ...{ port: 22, from: "127.0.0.1/32", lifetime: 1440 },
};
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const shown = `-----BEGIN SSH HOST KEY KEYS-----\n${key} root@it\n-----END SSH HOST KEY KEYS-----\n`;

/** What one invocation makes, beside a thing of another one, and a clock that goes on as soon as nobody is at work. */
function house() {
  let now = Date.parse("2027-03-01T12:00:00Z");
  const things: LeftOver[] = [{ kind: "instance", id: "i-other", work: "another" }];
  const renewed: { readonly at: number; readonly lease: number; readonly ids: readonly string[] }[] = [];
  const said: string[] = [];
  let deaf = 0;
  const make = (kind: LeftOver["kind"], id: string, tags: Readonly<Record<string, string>>) => {
    const lease = tags[directoryWorkTags.lease] ?? "";
    things.push({ kind, id, work: tags[directoryWorkTags.work] ?? "", lease });
    return Promise.resolve(id);
  };
  const remove = (id: string): Promise<void> => {
    things.splice(
      things.findIndex((one) => one.id === id),
      1,
    );
    return Promise.resolve();
  };
  const clock: Clock = {
    now: () => new Date(now),
    elapsed: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        setImmediate(() => {
          if (!signal.aborted) now += ms;
          resolve();
        });
      }),
    random: () => 0,
  };
  const places: Partial<DirectoryPlaces> = {
    importKey: (_name, _key, tags) => make("key-pair", "key-1", tags).then(() => undefined as never),
    makeGroup: ({ tags }) => make("security-group", "sg-1", tags),
    open: () => Promise.resolve(),
    launch: ({ tags }) => make("instance", "i-1", tags),
    addressOf: (id) =>
      Promise.resolve(
        things.some((one) => one.id === id)
          ? { state: "running", address: "127.0.0.1", devices: [] }
          : { state: "terminated", devices: [] },
      ),
    console: () => Promise.resolve(shown),
    leftOvers: () => Promise.resolve([...things]),
    renew(all, lease) {
      deaf -= 1;
      if (deaf === 0) return Promise.reject(new Error("EC2 is out of reach"));
      renewed.push({ at: now, lease: Date.parse(lease), ids: all.map(({ id }) => id) });
      return Promise.resolve();
    },
    terminate: remove,
    removeKey: remove,
    removeGroup: remove,
  };
  const waits = { visibleFor: minute, availableFor: minute, poll: 1000 } as DirectoryDeps["waits"];
  const deps = { clock, waits, work: "this", tell: (what: string) => void said.push(what) };
  return {
    ...{ things, renewed, said, clock },
    /** EC2 fails to hear the renewal of that number. */
    deafAt: (count: number) => {
      deaf = count;
    },
    deps: { ...deps, places } as unknown as DirectoryDeps & { readonly places: DirectoryPlaces },
  };
}

test("what a copy that takes hours has made is never taken for a left-over, and none of another's is renewed", async () => {
  const { things, renewed, said, deps, clock, deafAt } = house();
  deafAt(4);
  const login = () => Promise.resolve({} as DiskHost);
  const reach = { publicKey: "ssh-ed25519 x", name: "it", login };
  const began = clock.elapsed();
  const answer = await withThrowAway(plan, reach, deps, new AbortController().signal, async () => {
    while (clock.elapsed() - began < 5 * 60 * minute) await new Promise((go) => setImmediate(go));
    return "copied";
  });
  expect(answer).toBe("copied");
  expect(renewed.length).toBeGreaterThan(25);
  const at = renewed.map((one) => one.at);
  for (const [index, { lease, ids }] of renewed.entries()) {
    expect(ids.toSorted()).toEqual(["i-1", "key-1", "sg-1"]);
    // One renewal that fails must not end the lease: the next is in time.
    expect(lease).toBeGreaterThan(at[index + 1] ?? 0);
  }
  expect(said.filter((what) => what.startsWith("the lease is not renewed"))).toEqual([
    expect.stringContaining("EC2 is out of reach"),
  ]);
  expect(things.map(({ id }) => id)).toEqual(["i-other"]);
});
