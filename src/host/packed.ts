import { gunzipSync, gzipSync } from "node:zlib";

/** gzip in base64. */
export function packed(bytes: Uint8Array): string {
  return gzipSync(bytes, { level: 9 }).toString("base64");
}

/** What {@link packed} packed; absent where it is none, or of more than so many bytes. */
export function unpacked(text: string, longest: number): Uint8Array | undefined {
  try {
    return gunzipSync(Buffer.from(text, "base64"), { maxOutputLength: longest });
  } catch {
    return undefined;
  }
}
