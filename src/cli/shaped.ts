import { InvalidArgumentError } from "commander";

/** Takes words of one shape only; `expected` ends the sentence that refuses others. */
export function shaped(shape: RegExp, expected: string): (text: string) => string {
  return (text) => {
    if (!shape.test(text)) throw new InvalidArgumentError(`expected ${expected}.`);
    return text;
  };
}
