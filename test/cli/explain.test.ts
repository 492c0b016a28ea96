import { expect, test } from "vitest";
import { Host } from "./host.ts";

test("a point is explained by the beginning of its id, where no other begins so", async (context) => {
  const host = await Host.start(context, { Backup: "yes" }, 2);
  const listed = JSON.parse((await host.ask("list")).stdout) as { points: { id: string }[] };
  const ids = listed.points.map(({ id }) => id);
  const [first = ""] = ids;
  // As much as tells it from the others, as `restore list` shows it.
  const alone = (length: number) => ids.filter((id) => id.startsWith(first.slice(0, length))).length === 1;
  const least = Math.max(10, [...first].findIndex((_, index) => alone(index + 1)) + 1);
  const told = await host.ask("explain", first.slice(0, least));
  expect(told).toMatchObject({ code: 0, json: { point: { id: first } } });
  const none = await host.ask("explain", "00000000-0000");
  expect(none).toMatchObject({ code: 2, json: { error: { kind: "not-found" } } });
  const shared = first.slice(0, 9);
  const many = ids.filter((id) => id.startsWith(shared)).length;
  const some = await host.ask("explain", shared);
  expect(some.code).toBe(many > 1 ? 64 : 0);
});
