import type { ImageEngine } from "../core/image-ports.ts";
import { leave } from "./dry-run.ts";

/** What makes images with its hands tied; a plan never asks it for one. */
export function dryImages(images: ImageEngine): ImageEngine {
  return { ...images, make: () => Promise.resolve("(new image)"), remove: leave };
}
