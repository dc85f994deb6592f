// Rejection that remembers what failed, as Python's sampling/pruning.py: samples of the model's own distribution, given
// a condition, without any error.
//
// Strings are drawn as they come and given up as soon as no acceptable end is left. A tree of prefixes keeps the
// model's chances of what follows and, for each prefix, a bound: how likely an acceptable end is at most from there. It
// is 1 where nothing is known, 0 where no acceptable string is left, and
//
//     bound(prefix)  =  sum over c of P(c | prefix) bound(prefix c)
//
// for all others. Characters are drawn in proportion to P(c | prefix) bound(prefix c); below the tree as the model
// says. A string then comes with its own probability divided by bound(root), whatever the tree looks like: so what
// comes through is distributed as the model's own strings that meet the condition. Strings of one batch are drawn with
// the same tree; what they have shown is added after it. The sizes of batches do not depend on how many strings are
// asked for.

import { pickFrom } from "./contexts.js";
import { TREE_BYTES, Tree } from "./prefix_tree.js";
import { Streams } from "./random.js";

const TRYING = 2; // tells its random numbers from others of the same seed
const SMALLEST_BATCH = 256;
const LARGEST_BATCH = 1 << 14;

/** Strings that an automaton accepts, each batch drawn with what the ones before have shown. */
export class Pruning {
  /**
   * @param {import("./drawing.js").DrawnFrom} from
   * @param {import("./automaton.js").Automaton} automaton
   * @param {number} state the automaton's, after the prefix
   * @param {import("./passing.js").Passing} passing of finished strings those that may be used
   */
  constructor(from, automaton, state, passing) {
    this.from = from;
    this.automaton = automaton;
    this.state = state;
    this.passing = passing;
    this.streams = new Streams(from.seed, TRYING);
    this.tree = new Tree(from.contexts.width);
    this.tree.refresh([this.tree.add(-1, 0, this.said(from.first, from.firstSums, 0, state, from.prefix.length))]);
    this.tried = 0;
    /** @type {{tried: number, through: number, steps: number} | null} of the last batch */
    this.latest = null;
    this.begin();
    // What is known of the share of the model's strings that meet the conditions.
    this.through = 0;
    this.met = 0;
    this.weighed = 0;
    this.removed = 0;
  }

  /** The share of the model's strings that meet the conditions, as far as was seen; NaN before the first. */
  get share() {
    return (this.from.begun * this.met) / this.weighed;
  }

  /** Where none has come through, what the share is below, with 95 % confidence. */
  get shareBelow() {
    return this.through === 0 ? (3 * this.from.begun) / this.weighed : NaN;
  }

  /** The standard error of the share. */
  get shareError() {
    return (this.from.begun * Math.sqrt(Math.max(1, this.through))) / this.weighed;
  }

  get exhausted() {
    return this.tree.bounds[0] === 0;
  }

  begin() {
    const most = Math.floor(TREE_BYTES / (48 * this.tree.width));
    this.batch = Math.max(SMALLEST_BATCH, Math.min(this.tried, LARGEST_BATCH, most));
    this.batchDone = 0;
    this.batchThrough = 0;
    this.batchSteps = 0;
    /** @type {Map<number, {parent: number, character: number, said: object}>} */
    this.added = new Map();
    /** @type {number[]} */
    this.failed = [];
  }

  /**
   * What the tree keeps of a context: chances of what leaves an acceptable end, and what the model says.
   * @param {Float32Array} raw V or more
   * @param {Float64Array} sums V or more
   * @param {number} at where the context's row begins
   * @param {number} state
   * @param {number} depth in characters
   */
  said(raw, sums, at, state, depth) {
    const { width } = this.from.contexts;
    const chances = new Float64Array(width);
    for (let id = 0; id < width; id++) {
      if (!this.open(state, id, depth)) continue;
      chances[id] = (sums[at + id] - (id ? sums[at + id - 1] : 0)) / sums[at + width - 1];
    }
    return { chances, raw: raw.slice(at, at + width) };
  }

  /**
   * Whether an acceptable end is left after this id.
   * @param {number} state
   * @param {number} id
   * @param {number} depth in characters, before it
   */
  open(state, id, depth) {
    if (id === 0) return this.automaton.accepting[state] === 1 && depth > 0;
    const after = this.automaton.transitions[state * this.automaton.width + id];
    return after >= 0 && this.automaton.distance[after] < this.from.longest - depth;
  }

  /**
   * The next strings of the batch, so many at most.
   * @param {number} count
   * @returns {import("./drawing.js").Portion}
   */
  portion(count) {
    this.from.shaped.tidy();
    const size = Math.min(count, this.batch - this.batchDone);
    const found = this.attempt(size);
    this.tried += size;
    this.batchDone += size;
    this.batchThrough += found.strings.length;
    this.batchSteps += found.steps;
    this.through += found.strings.length;
    this.weighed += size / this.tree.bounds[0];
    this.met += found.strings.length + (size * this.removed) / this.tree.bounds[0];
    const kept = { strings: [], logLikelihoods: [], worst: [], tried: size, steps: found.steps };
    found.strings.forEach((string, place) => {
      const taken = this.passing.takes(string);
      if ((!taken || this.passing.unique) && found.rows[place] >= 0) this.failed.push(found.rows[place]);
      if (!taken) return;
      kept.strings.push(string);
      kept.logLikelihoods.push(found.logLikelihoods[place]);
      kept.worst.push(found.worst[place]);
    });
    if (this.batchDone === this.batch) this.grow();
    return kept;
  }

  /** Add what the batch has shown. */
  grow() {
    const { tree } = this;
    const rows = [];
    for (const { parent, character, said } of this.added.values()) rows.push(tree.add(parent, character, said));
    tree.refresh(rows);
    const before = tree.bounds[0];
    for (const row of this.failed) tree.fail(row);
    tree.refresh(this.failed);
    this.removed += before - tree.bounds[0];
    this.latest = { tried: this.batch, through: this.batchThrough, steps: this.batchSteps };
    this.begin();
  }

  /**
   * Try so many strings.
   * @param {number} count
   */
  attempt(count) {
    const { from, tree, automaton, streams } = this;
    const { contexts, shaped, longest } = from;
    const width = contexts.width;
    streams.begin(this.tried, count);
    const rows = from.rows(count);
    const states = new Int32Array(count).fill(this.state);
    const inTree = new Int32Array(count); // each string's row of the tree, -1 below it
    const left = new Int32Array(count).fill(-1); // the row that it has just left
    const shares = new Float64Array(count).fill(1);
    const ended = [];
    let steps = 0;
    for (let depth = from.prefix.length; depth <= longest && rows.alive.length; depth++) {
      rows.columns.push(new Int32Array(count));
      const { alive } = rows;
      steps += alive.length;
      this.ready(rows, inTree);
      const goingOn = new Int32Array(alive.length);
      let going = 0;
      for (let place = 0; place < alive.length; place++) {
        const row = alive[place];
        const node = inTree[row];
        const at = node >= 0 ? node * width : shaped.rowOf[rows.states[row]] * width;
        if (left[row] >= 0) this.note(left[row], rows, row, states[row], at, shares[row], depth);
        left[row] = -1;
        const uniform = streams.next(row);
        const id = node >= 0 ? tree.pick(node, uniform) : pickFrom(shaped.sums, at, width, uniform);
        rows.put(row, id, (node >= 0 ? tree.raw : shaped.raw)[at + id]);
        if (!this.open(states[row], id, depth)) continue;
        if (id === 0) {
          ended.push(row);
          continue;
        }
        goingOn[going++] = row;
        states[row] = automaton.transitions[states[row] * width + id];
        if (node >= 0) {
          shares[row] *= tree.weights[at + id] / tree.bounds[node];
          inTree[row] = tree.children[at + id];
          if (inTree[row] < 0) left[row] = node;
        }
      }
      rows.step(contexts, goingOn.subarray(0, going));
    }
    ended.sort((a, b) => a - b);
    return {
      strings: ended.map((row) => rows.string(from.alphabet, from.beginning, row)),
      logLikelihoods: ended.map((row) => rows.logLikelihoods[row]),
      worst: ended.map((row) => rows.worst[row]),
      rows: ended.map((row) => inTree[row]),
      steps,
    };
  }

  /**
   * Work out the model's rows for strings below the tree.
   * @param {import("./drawing.js").Rows} rows
   * @param {Int32Array} inTree
   */
  ready(rows, inTree) {
    const below = new Int32Array(rows.alive.length);
    let count = 0;
    for (const row of rows.alive) if (inTree[row] < 0) below[count++] = rows.states[row];
    this.from.shaped.ready(below, count);
  }

  /**
   * A prefix just below the tree that comes up once in a batch or more is to be added.
   * @param {number} parent
   * @param {import("./drawing.js").Rows} rows
   * @param {number} row
   * @param {number} state
   * @param {number} at
   * @param {number} share
   * @param {number} depth
   */
  note(parent, rows, row, state, at, share, depth) {
    if (share * this.batch < 1 || this.tree.full) return;
    const character = rows.columns[rows.columns.length - 2][row];
    const key = parent * this.tree.width + character;
    if (this.added.has(key)) return;
    const { raw, sums } = this.from.shaped;
    this.added.set(key, { parent, character, said: this.said(raw, sums, at, state, depth) });
  }
}
