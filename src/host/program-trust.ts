import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { type Distrust, distrustOfPlaces, placesOnTheWay } from "../core/distrust.ts";
import { look } from "./look.ts";

/**
 * Why others than root could exchange a program that root is to start: by the words that start it, by any place on the
 * way to them, and by what lies beside a program in a `dist`, which it loads. What is not there is no fault here.
 */
export async function distrustOfProgram(words: readonly string[]): Promise<readonly Distrust[]> {
  const files = words.filter((word) => word.startsWith("/"));
  const parts = await Promise.all(files.map(partsOf));
  const found = new Map<string, Distrust>();
  // One by one: their number is small, and most places are the same.
  for (const file of new Set([...files, ...parts.flat()])) {
    const places = await placesOnTheWay(file, look).catch(() => []);
    for (const one of distrustOfPlaces(places, [])) found.set(`${one.path} ${one.found}`, one);
  }
  return [...found.values()];
}

async function partsOf(file: string): Promise<string[]> {
  const directory = path.dirname(await realpath(file).catch(() => file));
  if (path.basename(directory) !== "dist") return [];
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names.map((name) => path.join(directory, name));
}
