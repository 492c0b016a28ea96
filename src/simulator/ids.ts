import { createHash } from "node:crypto";

/** What an EC2 id must look like: the old form has 8 hexadecimal digits, the present one 17. */
export function isWellFormedId(prefix: string, id: string): boolean {
  return new RegExp(`^${prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`).test(id);
}

/**
 * A new id such as `snap-0` plus 16 digits. The same seed and sequence give the same id, so a failing test can be run again;
 * the digits are a hash, so their order says nothing about age.
 */
export function newId(prefix: string, seed: number, sequence: number): string {
  return `${prefix}-0${digest(`${prefix}/${seed}/${sequence}`).slice(0, 16)}`;
}

/** Hexadecimal SHA-256 of a text. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A request id in the form AWS uses, told apart by its number. */
export function requestId(seed: number, number: number): string {
  return uuid(`request/${seed}/${number}`);
}

/** The UUID that a text leads to. */
export function uuid(text: string): string {
  const hex = digest(text);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
