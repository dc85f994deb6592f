// Which strings look right, as Python's models/plausible.py: those that surprise the model no more than most held-out
// strings do, on average over their predictions and by the worst of them. Of eight in a row that are not, the least
// surprising one is taken.

import { DrawnFrom, AsTheyCome } from "./drawing.js";

const IN_A_ROW = 8;
const PILOT = 512; // strings that a model draws where its file does not say what is plausible
const PILOT_AT_ONCE = 32;
const OWN_SEED = 0;

/** @typedef {{mean: number, worst: number}} Limits nats, above 0 */

/**
 * The number below which such a share of numbers is, interpolated.
 * @param {number[]} numbers
 * @param {number} share
 */
function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/**
 * The limits by strings that the model draws itself, the same ones each time; between two portions others may work.
 * @param {import("./contexts.js").Contexts} contexts
 * @param {import("./texts.js").Alphabet} alphabet
 * @param {number} longest
 * @returns {Generator<void, Limits, void>}
 */
export function* limitsByItself(contexts, alphabet, longest) {
  const source = new AsTheyCome(new DrawnFrom(contexts, alphabet, 1, [], longest, OWN_SEED));
  const [means, worst] = [[], []];
  while (means.length < PILOT) {
    const drawn = source.portion(PILOT_AT_ONCE);
    means.push(...drawn.strings.map((string, place) => -drawn.logLikelihoods[place] / ([...string].length + 1)));
    worst.push(...drawn.worst);
    yield;
  }
  return {
    mean: Math.max(Number.MIN_VALUE, quantile(means, 0.9)),
    worst: Math.max(Number.MIN_VALUE, quantile(worst, 0.95)),
  };
}

/** Of strings as they come those that are plausible. */
export class Choice {
  /**
   * @param {Limits} limits
   * @param {boolean} keeps whether strings that are passed over are kept for `rest`: none of them will come again
   */
  constructor(limits, keeps) {
    this.limits = limits;
    this.keeps = keeps;
    /** How many strings were taken that are not plausible. */
    this.implausible = 0;
    /** @type {{excess: number, item: any}[]} */
    this.row = [];
    /** @type {{excess: number, item: any}[]} */
    this.passedOver = [];
  }

  /**
   * How surprising a string is, by the limit that it is furthest above: up to 1 it is plausible.
   * @param {string} string
   * @param {number} logLikelihood
   * @param {number} worst
   */
  excess(string, logLikelihood, worst) {
    const mean = -logLikelihood / ([...string].length + 1);
    return Math.max(mean / this.limits.mean, worst / this.limits.worst);
  }

  /**
   * What to take when this comes; null where nothing is taken yet.
   * @template Item
   * @param {Item} item
   * @param {number} excess
   * @returns {Item | null}
   */
  taken(item, excess) {
    if (excess <= 1) {
      this.passOver();
      return item;
    }
    this.row.push({ excess, item });
    if (this.row.length < IN_A_ROW) return null;
    this.implausible++;
    const least = this.row.reduce((best, one) => (one.excess < best.excess ? one : best));
    this.row = this.row.filter((one) => one !== least);
    this.passOver();
    return least.item;
  }

  passOver() {
    if (this.keeps) for (const one of this.row) this.passedOver.push(one);
    this.row = [];
  }

  /**
   * What was passed over and is taken where nothing else is left: so many at most, the least surprising first.
   * @param {number} most
   */
  rest(most) {
    const rest = [...this.passedOver, ...this.row].sort((a, b) => a.excess - b.excess).slice(0, most);
    this.implausible += rest.length;
    this.passedOver = [];
    this.row = [];
    return rest.map(({ item }) => item);
  }
}
