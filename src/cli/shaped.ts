import { InvalidArgumentError } from "commander";

/** Takes words of one shape only; `expected` ends the sentence that refuses others. */
export function shaped(shape: RegExp, expected: string): (text: string) => string {
  return (text) => {
    if (!shape.test(text)) throw new InvalidArgumentError(`expected ${expected}.`);
    return text;
  };
}

/** What tells one restore of a point from another. */
export const label = shaped(/^[\w.-]{1,64}$/, "a word of letters, digits, dots and dashes");

/** The name of a restore of volumes. */
export const restoreId = shaped(/^restore-[0-9a-f]{16}$/, "restore-… as the plan names it");
