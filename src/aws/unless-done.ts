import { BackupError } from "../core/errors.ts";

/** Sends a request; a refusal with one of these codes says that it was done before, which is success. */
export async function unlessDone(codes: readonly string[], send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (error instanceof BackupError && error.code !== undefined && codes.includes(error.code)) return;
    throw error;
  }
}
