import { open } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";

/** EC2 takes no more, before base64 (EC2 user guide, "Run commands at launch"). Bytes. */
export const longestUserData = 16_384;

/** Reads a file of user data byte by byte. Fails as `usage`. */
export async function userDataFile(path: string): Promise<Uint8Array> {
  const doing = `read the user data ${path}`;
  try {
    const handle = await open(path, "r");
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new BackupError({ kind: "usage", doing, found: "it is no regular file" });
      if (stats.size > longestUserData) {
        const found = `it has ${stats.size} bytes, and EC2 takes ${longestUserData}`;
        throw new BackupError({ kind: "usage", doing, found, remedy: "compress it: cloud-init reads gzip" });
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const code = codeOf(error);
    throw new BackupError({ kind: "usage", doing, found: code, code }, { cause: error });
  }
}
