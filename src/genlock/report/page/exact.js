// Exact rational seconds, so that a border that is moved, saved and read again is the same.

const gcd = (a, b) => {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y) [x, y] = [y, x % y];
  return x;
};

/** A rational number: `n / d`, in lowest terms, d above zero. */
export class Exact {
  constructor(n, d = 1n) {
    const sign = d < 0n ? -1n : 1n;
    const common = gcd(n, d * sign) || 1n;
    this.n = (n * sign) / common;
    this.d = (d * sign) / common;
  }

  /** "3/25", "-2" or "0.04". */
  static of(text) {
    const parts = /^\s*(-?)(\d+)(?:\.(\d+)|\/(\d+))?\s*$/.exec(String(text));
    if (!parts) throw new RangeError(`${text} is no exact number`);
    const [, sign, whole, decimals, below] = parts;
    const n = BigInt(whole + (decimals ?? "")) * (sign ? -1n : 1n);
    return new Exact(n, below ? BigInt(below) : 10n ** BigInt(decimals?.length ?? 0));
  }

  plus(other) {
    return new Exact(this.n * other.d + other.n * this.d, this.d * other.d);
  }

  minus(other) {
    return new Exact(this.n * other.d - other.n * this.d, this.d * other.d);
  }

  times(other) {
    return new Exact(this.n * other.n, this.d * other.d);
  }

  over(other) {
    return new Exact(this.n * other.d, this.d * other.n);
  }

  /** Below, at or above zero when this is earlier, the same or later than the other. */
  compare(other) {
    const difference = this.n * other.d - other.n * this.d;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  get number() {
    // Numerator and denominator may be larger than a float holds: the whole part first.
    const whole = this.n / this.d;
    return Number(whole) + Number(this.n - whole * this.d) / Number(this.d);
  }

  toString() {
    return this.d === 1n ? String(this.n) : `${this.n}/${this.d}`;
  }
}

/** Exact seconds in text as the nearest number; null stays null. */
export function secondsOf(text) {
  if (text === null) return null;
  const [n, d = "1"] = text.split("/");
  // Both whole and below 2^53: their quotient is rounded once.
  return n.length < 16 && d.length < 16 && !n.includes(".") ? Number(n) / Number(d) : Exact.of(text).number;
}

/** The exact edges of the frames that the server told. */
export class ExactFrames {
  constructor(told) {
    this.count = told.count;
    this.uniform = told.kind === "grid";
    if (told.kind === "grid") {
      const [rate, start] = [Exact.of(told.rate), Exact.of(told.start)];
      this.edge = (k) => start.plus(new Exact(BigInt(k)).over(rate));
    } else {
      const base = Exact.of(told.time_base);
      const last = told.pts.length - 1;
      const end = BigInt(told.pts[last]) + BigInt(told.last_duration);
      this.edge = (k) => new Exact(k > last ? end : BigInt(told.pts[k])).times(base);
    }
  }

  /** What report/page/data.js makes its Frames of. */
  get data() {
    const { count } = this;
    if (this.uniform) return { kind: "uniform", count, first: this.edge(0).number, last: this.edge(count).number };
    return { kind: "edges", count, edges: Float64Array.from({ length: count + 1 }, (_, k) => this.edge(k).number) };
  }
}

/** The sample of a sound that is nearest to an instant, as its exact instant. */
export function nearestSample(seconds, sound) {
  const origin = Exact.of(sound.origin);
  const n = Math.round((seconds - origin.number) * sound.rate);
  return origin.plus(new Exact(BigInt(n), BigInt(sound.rate)));
}
