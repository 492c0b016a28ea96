import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { distrustOfPlaces, placesOnTheWay } from "../core/distrust.ts";
import { codeOf, replaceFile } from "./atomic-file.ts";
import { look } from "./look.ts";
import { readTrustedJson } from "./trusted-json.ts";

interface Kept {
  readonly key: string;
  readonly content: unknown;
}

/**
 * Keeps what was made of the one text that was seen last, for the very program that made it. `caches` is a
 * directory for caches, which is never made; what others could have written is as if it were not there.
 */
export function keptConfiguration(caches: string, program: string, uid: number) {
  // As the launcher does: a service may have a directory of that name of its own.
  const directory = path.basename(caches) === "ec2-backup" ? caches : path.join(caches, "ec2-backup");
  const file = path.join(directory, "configuration.json");
  const keyOf = (text: string): string => createHash("sha256").update(`${program}\n${text}`).digest("hex");
  return {
    async find(text: string): Promise<unknown> {
      const { value } = await readTrustedJson(file, uid);
      return isKept(value) && value.key === keyOf(text) ? value.content : undefined;
    },
    async keep(text: string, content: unknown): Promise<void> {
      try {
        await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
          if (codeOf(error) !== "EEXIST") throw error;
        });
        const places = await placesOnTheWay(directory, look);
        if (distrustOfPlaces(places, [{ uid, name: "the agent's user" }]).length > 0) return;
        await replaceFile(file, JSON.stringify({ key: keyOf(text), content } satisfies Kept));
      } catch {
        // The next command is slower, no more.
      }
    },
  };
}

function isKept(value: unknown): value is Kept {
  return typeof value === "object" && value !== null && "key" in value && "content" in value;
}
