/**
 * CloudWatch's evaluation of an alarm, written from its user guide ("Alarm evaluation", "Configuring how
 * CloudWatch alarms treat missing data") without a look at what the agent knows of it.
 */
export interface ModelAlarm {
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly treatMissingData: "breaching" | "ignore";
}

export interface Point {
  readonly at: number;
  readonly value: number;
}

export type State = "OK" | "ALARM" | "INSUFFICIENT_DATA";

export interface Change {
  readonly at: number;
  readonly from: State;
  readonly to: State;
}

const minute = 60_000;
const hour = 60 * minute;

/** One alarm that is evaluated on the grid of its kind; points are added in the order of time. */
export class ModelledAlarm {
  state: State = "INSUFFICIENT_DATA";
  readonly changes: Change[] = [];
  readonly alarm: ModelAlarm;
  readonly #extra: number;
  readonly #phase: number;
  #points: Point[] = [];
  #next: number;
  #asleepUntil = 0;

  /** `extra`: periods looked further back; `phase`: the minute of the hour at which long windows are evaluated. */
  constructor(alarm: ModelAlarm, from: number, extra: number, phase = 7) {
    this.alarm = alarm;
    this.#extra = extra;
    this.#phase = phase;
    this.#next = this.#after(from);
  }

  /** Whether evaluations begin only later, as with a warm-up. */
  spareUntil(at: number): void {
    this.#asleepUntil = at;
    this.state = "INSUFFICIENT_DATA";
  }

  add(point: Point): void {
    this.advance(point.at);
    this.#points.push(point);
  }

  advance(to: number): void {
    for (; this.#next <= to; this.#next = this.#after(this.#next)) this.#evaluate(this.#next);
  }

  get #long(): boolean {
    return this.alarm.period * this.alarm.evaluationPeriods > 86_400;
  }

  #after(at: number): number {
    if (!this.#long) return Math.floor(at / minute) * minute + minute;
    const shift = this.#phase * minute;
    return Math.floor((at - shift) / hour) * hour + hour + shift;
  }

  #evaluate(now: number): void {
    if (now < this.#asleepUntil) return;
    const state = this.#stateAt(this.#long ? Math.floor(now / hour) * hour : now);
    if (state === this.state) return;
    this.changes.push({ at: now, from: this.state, to: state });
    this.state = state;
  }

  #stateAt(end: number): State {
    const { period, evaluationPeriods, datapointsToAlarm, threshold, treatMissingData } = this.alarm;
    const length = period * 1000;
    const range = evaluationPeriods + this.#extra;
    this.#points = this.#points.filter(({ at }) => at >= end - (range + 1) * length);
    const maxima = new Map<number, number>();
    for (const { at, value } of this.#points) {
      const back = Math.ceil((end - at) / length) - 1;
      if (at < end && back < range) maxima.set(back, Math.max(maxima.get(back) ?? -Infinity, value));
    }
    const newest = [...maxima].sort(([a], [b]) => a - b).slice(0, evaluationPeriods);
    const bad = newest.filter(([, value]) => value > threshold).length;
    const missing = evaluationPeriods - newest.length;
    if (bad >= datapointsToAlarm) return "ALARM";
    if (missing === 0) return "OK";
    if (treatMissingData === "breaching") return bad + missing >= datapointsToAlarm ? "ALARM" : "OK";
    return newest.length > bad ? "OK" : this.state;
  }
}
