import type { CloneFiles } from "../core/file-ports.ts";
import type { CopyManners } from "./copy-stage.ts";
import { copyManners, copyTree } from "./copy-tree.ts";
import { catInside, listInside } from "./inside-clone.ts";

/** The files of mounted clones, read by programs of the system: a disk that does not answer keeps those alone. */
export function cloneFiles(manners: CopyManners = copyManners): CloneFiles {
  return {
    list: listInside,
    cat: catInside,
    copy: (order, progress, signal) => copyTree(order, progress, signal, manners),
  };
}
