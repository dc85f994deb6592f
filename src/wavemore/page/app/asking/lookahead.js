// How likely it is that a beginning becomes an acceptable string, as Python's sampling/lookahead.py: a small n-gram of
// the model's own strings tells it for each pair of its context u and a state q of the automaton,
//
//     h(u, q)  =  P(end | u) [q may end]  +  sum over c of P(c | u) h(u c, q c)
//
// by repeated substitution; then strings that were guided teach it for the last 3, 5 and 7 characters. It need not be
// right: what it misses is corrected where strings are kept (guided.js).
//
// Shapes: U contexts of the n-gram, Q states, V ids. A code is the last characters as one number in base V.

const LARGEST_STEP = 600000; // numbers that each substitution computes
const MOST_SUBSTITUTIONS = 60;
const CLOSE_ENOUGH = 1e-3; // the last substitution is the one that changes no h by more than this share
const CAUTION = 0.8; // the power of h that guides: one that is too sure misses strings that the model likes
const LEARNED_LENGTHS = [3, 5, 7];
const PRIOR_STRINGS = 20; // what was known before counts as much as this number of strings
const LEAST_HEIGHT = 1e-290;

/** What is ahead of each place. */
export class LookAhead {
  /**
   * @param {import("./automaton.js").Automaton} automaton
   * @param {number[][]} samples the ids of some thousand of the model's own strings
   */
  constructor(automaton, samples) {
    this.automaton = automaton;
    this.width = automaton.width;
    const step = (contexts) => contexts * this.width * automaton.states;
    /** How many characters the n-gram looks back to. */
    this.back = step(this.width ** 2) <= LARGEST_STEP ? 2 : step(this.width) <= LARGEST_STEP ? 1 : 0;
    this.contexts = this.width ** this.back;
    this.chances = this.counted(samples);
    /** U x Q */
    this.heights = new Float64Array(this.contexts * automaton.states).fill(1);
    const codes = (length) => this.width ** length * Math.max(this.width, automaton.states + 1);
    this.lengths = LEARNED_LENGTHS.filter((length) => codes(length) < Number.MAX_SAFE_INTEGER);
    this.codes = this.width ** Math.max(this.back, ...this.lengths);
    /** @type {Map<number, {sum: number, count: number}>[]} for each length */
    this.means = this.lengths.map(() => new Map());
  }

  /**
   * The n-gram's chances, U x V: Witten-Bell (1991), each order with the one below it to fall back on.
   * @param {number[][]} samples
   */
  counted(samples) {
    const { width } = this;
    let chances = new Float64Array(width).fill(1 / width);
    for (let back = 0; back <= this.back; back++) {
      const contexts = width ** back;
      const counts = new Float64Array(contexts * width);
      for (const ids of samples) {
        let context = 0;
        for (let place = 0; place <= ids.length; place++) {
          const id = ids[place] ?? 0;
          counts[context * width + id]++;
          context = (context * width + id) % contexts;
        }
      }
      const below = chances;
      chances = new Float64Array(contexts * width);
      for (let context = 0; context < contexts; context++) {
        let [seen, kinds] = [0, 0];
        for (let id = 0; id < width; id++) {
          seen += counts[context * width + id];
          if (counts[context * width + id]) kinds++;
        }
        const shorter = back ? (context % (contexts / width)) * width : 0;
        for (let id = 0; id < width; id++) {
          const [fallen, count] = [below[shorter + id], counts[context * width + id]];
          chances[context * width + id] = seen ? (count + kinds * fallen) / (seen + kinds) : fallen;
        }
      }
    }
    return chances;
  }

  /**
   * Substitutes until h hardly changes, if that is quick; yields between two substitutions.
   * @returns {Generator<void, void, void>}
   */
  *substitute() {
    const { automaton, width, contexts, chances } = this;
    const states = automaton.states;
    if (contexts * width * states > LARGEST_STEP) return;
    let before = new Float64Array(contexts * states);
    const least = automaton.distance.reduce((most, one) => Math.max(most, one), 0) + 2;
    for (let round = 0; round < Math.max(MOST_SUBSTITUTIONS, least); round++) {
      const after = new Float64Array(contexts * states);
      let change = 0;
      for (let context = 0; context < contexts; context++) {
        for (let state = 0; state < states; state++) {
          let sum = automaton.accepting[state] ? chances[context * width] : 0;
          for (let id = 1; id < width; id++) {
            const next = automaton.transitions[state * width + id];
            if (next >= 0) {
              sum += chances[context * width + id] * before[((context * width + id) % contexts) * states + next];
            }
          }
          after[context * states + state] = sum;
          const moved = Math.abs(sum - before[context * states + state]);
          if (moved > CLOSE_ENOUGH * sum) change = 1;
        }
      }
      before = after;
      if (!change) break;
      yield;
    }
    this.heights = before.map((one) => Math.max(one, LEAST_HEIGHT)); // from every state an end can be reached
  }

  /**
   * A power of h after an id.
   * @param {number} code of the last characters, the id included
   * @param {number} state after the id
   */
  after(code, state) {
    let height = this.heights[(code % this.contexts) * this.automaton.states + state];
    for (let place = 0; place < this.lengths.length; place++) {
      if (this.means[place].size === 0) break;
      const mean = this.means[place].get(this.key(code, place, state));
      if (mean) height = (mean.sum + PRIOR_STRINGS * height) / (mean.count + PRIOR_STRINGS);
    }
    return height ** CAUTION;
  }

  /**
   * @param {number} code
   * @param {number} place of a length
   * @param {number} state
   */
  key(code, place, state) {
    return (code % this.width ** this.lengths[place]) * this.automaton.states + state;
  }

  /**
   * The code one character later.
   * @param {number} code
   * @param {number} id
   */
  next(code, id) {
    return (code * this.width + id) % this.codes;
  }

  /**
   * Learn how likely an acceptable end turned out to be from some places.
   * @param {{code: number, state: number, turnedOut: number}[]} visits
   */
  learn(visits) {
    for (const { code, state, turnedOut } of visits) {
      for (let place = 0; place < this.lengths.length; place++) {
        const key = this.key(code, place, state);
        const mean = this.means[place].get(key);
        if (mean === undefined) this.means[place].set(key, { sum: turnedOut, count: 1 });
        else {
          mean.sum += turnedOut;
          mean.count++;
        }
      }
    }
  }
}
