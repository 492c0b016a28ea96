/**
 * A machine's own delay within a splay, in whole ms: 0 <= delay < splayMs (0 without a splay).
 * The same seed (instance id and job) gives the same delay for ever; different seeds spread evenly, also when
 * they differ in the last character only.
 */
export function splayOf(seed: string, splayMs: number): number {
  if (!(splayMs > 0)) return 0;
  return Math.floor((hashOf(seed) / 2 ** 32) * splayMs);
}

/**
 * FNV-1a over both bytes of each UTF-16 unit, then the finalizer of MurmurHash3: FNV alone hardly carries the last
 * characters into the high bits, and those decide the delay. Changing it would move every machine's backup.
 */
function hashOf(seed: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < seed.length; index++) {
    const unit = seed.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
