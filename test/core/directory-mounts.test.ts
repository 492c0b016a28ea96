import { expect, test } from "vitest";
import { mountsChanged, mountsRead } from "../../src/core/directory-mounts.ts";
import type { MountEntry } from "../../src/core/mount-table.ts";

const mount = (id: number, path: string, parent = 1): MountEntry => ({
  ...{
    id,
    parent,
    path,
    superblock: `8:${id}`,
    root: "/",
    filesystem: "ext4",
    source: "/dev/sda",
    options: [],
  },
});
const root = mount(1, "/", 0);
const [data, nested, deeper, other] = [
  mount(2, "/srv"),
  mount(3, "/srv/data/nested", 2),
  mount(4, "/srv/data/nested/deeper", 3),
  mount(5, "/srv/database", 2),
];
const all = [root, data, nested, deeper, other];

test("a copy reads the mount that its directory lies on, and those below it unless it keeps to one", () => {
  expect(mountsRead("/srv/data", { oneFileSystem: false }, all)).toEqual([data, nested, deeper]);
  expect(mountsRead("/srv/data", { oneFileSystem: true }, all)).toEqual([data]);
  expect(mountsRead("/srv/data/nested", { oneFileSystem: false }, all)).toEqual([nested, deeper]);
  expect(mountsRead("/home", { oneFileSystem: false }, all)).toEqual([root]);
});

test("what came, what went and what was mounted anew at the same place is told, and nothing else", () => {
  expect(mountsChanged(all, [...all].reverse())).toBeUndefined();
  expect(mountsChanged([data, nested, deeper], [data])).toBe(
    "/srv/data/nested, /srv/data/nested/deeper was unmounted while the directory was copied",
  );
  expect(mountsChanged([data], [data, nested])).toBe(
    "/srv/data/nested was mounted while the directory was copied",
  );
  expect(mountsChanged([data], [mount(9, "/srv")])).toBe(
    "/srv was unmounted, /srv was mounted while the directory was copied",
  );
});
