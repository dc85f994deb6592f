// What the model says at each context, and how that is shaped before a character is drawn: rows that are kept, one for
// each distinct context.
//
// Shapes: n contexts, V ids (id 0 is the boundary).

const ENGINE_BYTES = 1 << 28; // that a predictor may keep beside the model before it is told to forget
const SHAPED_BYTES = 1 << 26; // that the rows of one job may take

/** A predictor that several jobs ask. Its states hold until the era changes, which happens only in `tidy`. */
export class Contexts {
  /**
   * @param {{start: () => number, step: (states: Int32Array, ids: Int32Array) => Int32Array,
   *   logProbabilities: (states: Int32Array) => Float32Array, kept: number, forget: () => void}} predictor
   * @param {number} width V
   */
  constructor(predictor, width) {
    this.predictor = predictor;
    this.width = width;
    this.era = 0;
    this.most = predictor.kept + ENGINE_BYTES;
  }

  /** Call between portions of work: where much is kept, all is forgotten, and states from before are void. */
  tidy() {
    if (this.predictor.kept < this.most) return;
    this.predictor.forget();
    this.era++;
  }

  start() {
    return this.predictor.start();
  }

  /**
   * The states after these, one character later.
   * @param {Int32Array} states
   * @param {Int32Array} ids
   * @returns {Int32Array}
   */
  step(states, ids) {
    return this.predictor.step(states, ids);
  }

  /**
   * The state after a prefix.
   * @param {ArrayLike<number>} ids
   */
  after(ids) {
    let state = this.start();
    for (let place = 0; place < ids.length; place++) {
      state = this.step(Int32Array.of(state), Int32Array.of(ids[place]))[0];
    }
    return state;
  }

  /**
   * @param {Int32Array} states n
   * @returns {Float32Array} n x V, natural logs
   */
  logProbabilities(states) {
    return this.predictor.logProbabilities(states);
  }
}

/** The rows of one job: the model's log-probabilities, and the running sums of what they are shaped to. */
export class Shaped {
  /**
   * @param {Contexts} contexts
   * @param {number} temperature
   */
  constructor(contexts, temperature) {
    this.contexts = contexts;
    this.width = contexts.width;
    this.temperature = temperature;
    this.era = contexts.era;
    this.count = 0;
    /** The row of each state, -1 where there is none. */
    this.rowOf = new Int32Array(1024).fill(-1);
    /** Rows x V, nats. */
    this.raw = new Float32Array(1024 * this.width);
    /** Rows x V: each row's weights added up from its first id on. */
    this.sums = new Float64Array(1024 * this.width);
  }

  /** Call between portions of work: drops rows that are void or too many. */
  tidy() {
    this.contexts.tidy();
    if (this.era === this.contexts.era && this.count * this.width * 12 < SHAPED_BYTES) return;
    this.era = this.contexts.era;
    this.rowOf.fill(-1);
    this.count = 0;
  }

  /**
   * Work out the rows of these states.
   * @param {Int32Array} states
   * @param {number} count how many of them
   */
  ready(states, count) {
    const fresh = [];
    for (let place = 0; place < count; place++) {
      const state = states[place];
      if (state >= this.rowOf.length) this.lengthen(state);
      if (this.rowOf[state] < 0) {
        this.rowOf[state] = this.count++;
        fresh.push(state);
      }
    }
    if (fresh.length === 0) return;
    const width = this.width;
    if (this.count * width > this.raw.length) {
      const size = Math.max(this.count * width, 2 * this.raw.length);
      const [raw, sums] = [new Float32Array(size), new Float64Array(size)];
      raw.set(this.raw);
      sums.set(this.sums);
      [this.raw, this.sums] = [raw, sums];
    }
    const said = this.contexts.logProbabilities(Int32Array.from(fresh));
    const first = this.rowOf[fresh[0]];
    this.raw.set(said, first * width);
    for (let row = 0; row < fresh.length; row++) {
      addUp(said.subarray(row * width, (row + 1) * width), this.temperature, true, this.sums, (first + row) * width);
    }
  }

  /** @param {number} state */
  lengthen(state) {
    const longer = new Int32Array(Math.max(state + 1, 2 * this.rowOf.length)).fill(-1);
    longer.set(this.rowOf);
    this.rowOf = longer;
  }
}

/**
 * Running sums of a row's weights.
 * @param {Float32Array} said V, nats
 * @param {number} temperature
 * @param {boolean} mayEnd no string is empty: before its first character it may not end
 * @param {Float64Array} sums
 * @param {number} at where the sums are written to
 */
export function addUp(said, temperature, mayEnd, sums, at) {
  let highest = -Infinity;
  for (let id = mayEnd ? 0 : 1; id < said.length; id++) if (said[id] > highest) highest = said[id];
  let sum = 0;
  for (let id = 0; id < said.length; id++) {
    if (id > 0 || mayEnd) sum += Math.exp((said[id] - highest) / temperature);
    sums[at + id] = sum;
  }
}

/**
 * The id for a number from 0 to below 1: how many running sums of a row are not above that share of the last one.
 * @param {Float64Array} sums
 * @param {number} at
 * @param {number} width
 * @param {number} uniform
 */
export function pickFrom(sums, at, width, uniform) {
  const threshold = uniform * sums[at + width - 1];
  let low = 0;
  let high = width - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[at + middle] <= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}
