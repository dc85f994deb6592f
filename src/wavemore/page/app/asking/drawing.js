// Drawing: strings side by side, one character at a time, from the model's own distribution. String i depends on the
// seed and on i alone, so the same strings come in portions of any size.

import { Shaped, addUp, pickFrom } from "./contexts.js";
import { Streams } from "./random.js";

const PLAIN = 1; // tells its random numbers from others of the same seed

/**
 * Strings that were drawn.
 * @typedef {object} Portion
 * @property {string[]} strings those that came through
 * @property {number[]} logLikelihoods of each, nats, by the model itself
 * @property {number[]} worst the most surprising prediction of each, nats
 * @property {number} tried strings that were drawn
 * @property {number} steps characters and ends that were drawn
 */

/** Strings in the making, side by side. */
export class Rows {
  /**
   * @param {number} count
   * @param {number} state the model's
   */
  constructor(count, state) {
    this.states = new Int32Array(count).fill(state);
    this.logLikelihoods = new Float64Array(count);
    this.worst = new Float64Array(count);
    this.alive = Int32Array.from({ length: count }, (_, row) => row);
    /** @type {Int32Array[]} one for each place */
    this.columns = [];
    this.lengths = new Int32Array(count);
  }

  /**
   * Take note of what a string was drawn to go on with.
   * @param {number} row
   * @param {number} id
   * @param {number} logProbability
   */
  put(row, id, logProbability) {
    this.columns[this.columns.length - 1][row] = id;
    this.logLikelihoods[row] += logProbability;
    if (-logProbability > this.worst[row]) this.worst[row] = -logProbability;
    if (id > 0) this.lengths[row] = this.columns.length;
  }

  /**
   * Those that go on are stepped; the others are done.
   * @param {import("./contexts.js").Contexts} contexts
   * @param {Int32Array} goingOn rows
   */
  step(contexts, goingOn) {
    const before = new Int32Array(goingOn.length);
    const ids = new Int32Array(goingOn.length);
    const column = this.columns[this.columns.length - 1];
    for (let place = 0; place < goingOn.length; place++) {
      before[place] = this.states[goingOn[place]];
      ids[place] = column[goingOn[place]];
    }
    const after = contexts.step(before, ids);
    for (let place = 0; place < goingOn.length; place++) this.states[goingOn[place]] = after[place];
    this.alive = goingOn;
  }

  /**
   * @param {import("./texts.js").Alphabet} alphabet
   * @param {string} beginning what stands before the first column
   * @param {number} row
   */
  string(alphabet, beginning, row) {
    let text = beginning;
    for (let place = 0; place < this.lengths[row]; place++) text += alphabet.characters[this.columns[place][row] - 1];
    return text;
  }

  /** The states of those that go on. */
  standing() {
    const states = new Int32Array(this.alive.length);
    for (let place = 0; place < states.length; place++) states[place] = this.states[this.alive[place]];
    return states;
  }
}

/** What a job draws from. */
export class DrawnFrom {
  /**
   * @param {import("./contexts.js").Contexts} contexts
   * @param {import("./texts.js").Alphabet} alphabet
   * @param {number} temperature
   * @param {ArrayLike<number>} prefix the ids that all strings begin with
   * @param {number} longest in characters
   * @param {number} seed
   */
  constructor(contexts, alphabet, temperature, prefix, longest, seed) {
    this.contexts = contexts;
    this.alphabet = alphabet;
    this.prefix = Int32Array.from(prefix);
    this.beginning = alphabet.decoded(this.prefix);
    this.longest = longest;
    this.seed = seed;
    this.shaped = new Shaped(contexts, temperature);
    /** The chance of the prefix, as shaped. */
    this.begun = 1;
    this.beginningLogLikelihood = 0;
    this.beginningWorst = 0;
    this.firstSums = new Float64Array(contexts.width);
    this.first = new Float32Array(0);
    this.look();
  }

  /** What is said of the prefix and after it. */
  look() {
    const width = this.contexts.width;
    let state = this.contexts.start();
    for (let place = 0; place <= this.prefix.length; place++) {
      this.first = this.contexts.logProbabilities(Int32Array.of(state)).slice();
      addUp(this.first, this.shaped.temperature, place > 0, this.firstSums, 0);
      if (place === this.prefix.length) return;
      const id = this.prefix[place];
      this.begun *= (this.firstSums[id] - this.firstSums[id - 1]) / this.firstSums[width - 1];
      this.beginningLogLikelihood += this.first[id];
      this.beginningWorst = Math.max(this.beginningWorst, -this.first[id]);
      state = this.contexts.step(Int32Array.of(state), Int32Array.of(id))[0];
    }
  }

  /**
   * So many strings that have not yet begun, but for the prefix.
   * @param {number} count
   * @returns {Rows}
   */
  rows(count) {
    const rows = new Rows(count, this.contexts.after(this.prefix));
    rows.logLikelihoods.fill(this.beginningLogLikelihood);
    rows.worst.fill(this.beginningWorst);
    return rows;
  }
}

/** Strings as they come, all with the same beginning; those that become too long are cut. */
export class AsTheyCome {
  /** @param {DrawnFrom} from */
  constructor(from) {
    this.from = from;
    this.streams = new Streams(from.seed, PLAIN);
    this.done = 0;
  }

  /** The share of the model's strings that begin so. */
  get share() {
    return this.from.begun;
  }

  /** The share is known exactly. */
  get shareError() {
    return 0;
  }

  /** Whether no string is left. */
  get exhausted() {
    return this.from.begun === 0;
  }

  /**
   * The next strings.
   * @param {number} count
   * @returns {Portion}
   */
  portion(count) {
    const { contexts, shaped, alphabet, prefix, longest, first, firstSums, beginning } = this.from;
    shaped.tidy();
    const width = contexts.width;
    this.streams.begin(this.done, count);
    this.done += count;
    const rows = this.from.rows(count);
    let steps = 0;
    for (let depth = prefix.length; depth < longest && rows.alive.length; depth++) {
      rows.columns.push(new Int32Array(count));
      const { alive } = rows;
      steps += alive.length;
      const goingOn = new Int32Array(alive.length);
      let going = 0;
      const atFirst = depth === prefix.length;
      if (!atFirst) shaped.ready(rows.standing(), alive.length);
      for (let place = 0; place < alive.length; place++) {
        const row = alive[place];
        const at = atFirst ? 0 : shaped.rowOf[rows.states[row]] * width;
        const id = pickFrom(atFirst ? firstSums : shaped.sums, at, width, this.streams.next(row));
        rows.put(row, id, (atFirst ? first : shaped.raw)[at + id]);
        if (id > 0) goingOn[going++] = row;
      }
      rows.step(contexts, goingOn.subarray(0, going));
    }
    const strings = [];
    for (let row = 0; row < count; row++) strings.push(rows.string(alphabet, beginning, row));
    this.addEnds(rows);
    return {
      strings,
      logLikelihoods: [...rows.logLikelihoods],
      worst: [...rows.worst],
      tried: count,
      steps,
    };
  }

  /**
   * Strings that were cut have not drawn their end; its probability counts all the same.
   * @param {Rows} rows
   */
  addEnds(rows) {
    if (rows.alive.length === 0) return;
    const { shaped, contexts } = this.from;
    shaped.ready(rows.standing(), rows.alive.length);
    for (const row of rows.alive) {
      const said = shaped.raw[shaped.rowOf[rows.states[row]] * contexts.width];
      rows.logLikelihoods[row] += said;
      rows.worst[row] = Math.max(rows.worst[row], -said);
    }
  }
}
