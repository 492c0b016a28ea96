// Preloaded into a process under test, and into all that it starts: its clock is CLOCK_AHEAD milliseconds ahead.
const Real = Date;
const now = () => Real.now() + Number(process.env.CLOCK_AHEAD);

globalThis.Date = new Proxy(Real, {
  apply: () => new Real(now()).toString(),
  construct: (_, words, made) => Reflect.construct(Real, words.length === 0 ? [now()] : words, made),
  get: (_, name, receiver) => (name === "now" ? now : Reflect.get(Real, name, receiver)),
});
