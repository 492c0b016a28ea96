import * as z from "zod/mini";
import { parseDuration } from "../core/duration.ts";
import { isTimeZone } from "../core/zone.ts";
import { mostKept } from "./limits.ts";
import { durationOrNothing, scheduleTrouble } from "./readable.ts";

/** What people and editors are told about a field. */
export interface Note {
  readonly description: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  // Words of JSON Schema for what our own checks ask of a mapping.
  readonly minProperties?: number;
  readonly maxProperties?: number;
}

/** The notes of all fields, from which the JSON Schema is written. */
export const notes = z.registry<Note>();

/**
 * In this schema the `error` of a type or a check is the phrase that follows "expected": the sentence
 * is built where the value and its place are known.
 */
const durationShape = /^(?=\d)(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?$/;

/** A duration within limits, written as text and read as milliseconds. */
export function duration(min: string, max: string, note: Note & { readonly examples: readonly [string] }) {
  const expected = `a duration from ${min} to ${max} such as ${note.examples[0]}`;
  const text = z.string(expected).check(z.regex(durationShape, expected));
  text.register(notes, note);
  return z.pipe(
    text,
    z.transform((written: string, context): number => {
      const ms = durationOrNothing(written);
      if (ms !== undefined && ms >= parseDuration(min) && ms <= parseDuration(max)) return ms;
      context.issues.push({ code: "custom", input: written, message: expected });
      return z.NEVER;
    }),
  );
}

/** A whole number within limits. */
export function whole(min: number, max: number, note: Note) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int(expected).check(z.gte(min, expected), z.lte(max, expected)).register(notes, note);
}

const sizeUnits: Readonly<Record<string, number>> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** A size from 1 KiB to 1 TiB, written with its unit and read as bytes. */
export function size(note: Note & { readonly examples: readonly [string] }) {
  const expected = `a size such as ${note.examples[0]}`;
  const text = z.string(expected).check(z.regex(/^[1-9]\d{0,8}(?:[kMG]B|[KMG]iB)$/, expected));
  text.register(notes, note);
  return z.pipe(
    text,
    z.transform((written: string, context): number => {
      const [, count = "", unit = ""] = /^(\d+)(.*)$/.exec(written) ?? [];
      const bytes = Number(count) * (sizeUnits[unit] ?? Number.NaN);
      if (bytes >= 2 ** 10 && bytes <= 2 ** 40) return bytes;
      context.issues.push({ code: "custom", input: written, message: `${expected}, from 1KiB to 1024GiB` });
      return z.NEVER;
    }),
  );
}

/** How many points or periods a retention rule keeps. */
export function count(note: Note) {
  return whole(1, mostKept, note);
}

export function yesOrNo(note: Note) {
  return z.boolean("true or false").register(notes, note);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values, note: Note) {
  return z.enum(values, `one of ${values.join(", ")}`).register(notes, note);
}

/** Text of a shape; `expected` says the shape in words. */
export function text(shape: RegExp, expected: string, note: Note) {
  return z.string(expected).check(z.regex(shape, expected)).register(notes, note);
}

export function timezone(note: Note) {
  const expected = "an IANA time zone such as Europe/Berlin";
  return z
    .string(expected)
    .check(z.refine((name) => isTimeZone(name), expected))
    .register(notes, note);
}

export function schedule(note: Note) {
  const expected = 'a cron expression such as "0 2 * * *" or a period such as "every 12h"';
  return z
    .string(expected)
    .check((context) => {
      const detail = scheduleTrouble(context.value);
      if (detail !== undefined) {
        context.issues.push({ code: "custom", input: context.value, message: expected, params: { detail } });
      }
    })
    .register(notes, note);
}

/** A mapping in which every key has a meaning. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape, note: Note) {
  const expected = `a mapping with any of ${Object.keys(shape).join(", ")}`;
  return z.strictObject(shape, expected).register(notes, note);
}

/** A check that a mapping has one of its keys and no other. */
export function exactlyOne(fields: z.core.$ZodLooseShape) {
  const names = Object.keys(fields);
  return z.superRefine(
    (value: unknown, context) => {
      if (typeof value !== "object" || value === null) return;
      const given = Object.keys(value).filter((key) => Object.hasOwn(fields, key));
      if (given.length === 1) return;
      const found = given.length === 0 ? "none of them" : given.join(" and ");
      context.addIssue({ code: "custom", message: `exactly one of ${names.join(", ")}`, params: { found } });
    },
    { when: () => true },
  );
}
