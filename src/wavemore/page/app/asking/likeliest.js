// The likeliest strings in their exact order, by best-first search over beginnings.
//
// A string is never likelier than its beginnings. So when the likeliest beginning that waits is less likely than the
// likeliest string that was found, no other string is likelier than that one, and it is told. Beginnings are continued
// some at a time, the likeliest first, so that the engine works on many contexts at once; in a beginning's row the
// characters wait as one item, under the likeliest of them, and the next likeliest takes its place when that is taken.
//
// Memory: a beginning that was continued keeps its row of V log-probabilities; so their number is bounded.

import { DEAD } from "./automaton.js";
import { allOf, checkSomeLeft, conditionsOf, ofLength } from "./conditions.js";
import { Heap } from "./heap.js";
import { checkedNumbers, refusalOf } from "./sampling.js";
import { Refusal, grouped } from "./texts.js";

const BEGINNINGS_AT_ONCE = 64; // beginnings
const KEPT_BYTES = 3 << 26; // that the rows of beginnings may take
const MOST_BEGINNINGS = 2000000;

/** The beginnings that were continued, and the strings that were found. */
class BestFirst {
  /**
   * @param {import("./models.js").Asked} asked
   * @param {import("./automaton.js").Automaton} automaton
   * @param {(string: string) => boolean} refused
   */
  constructor(asked, automaton, refused) {
    this.asked = asked;
    this.automaton = automaton;
    this.refused = refused;
    this.longest = Math.max(asked.longest, automaton.empty ? 0 : 2 * automaton.distance[0]);
    this.width = asked.alphabet.size;
    this.most = Math.min(MOST_BEGINNINGS, Math.floor(KEPT_BYTES / (8 * this.width + 40)));
    this.era = asked.contexts.era;
    /** Waiting: key the log-probability of a continued beginning's next character, item its number. */
    this.waiting = new Heap();
    /** Found and not yet told: key the log-likelihood of a string, item the number of the beginning that is all of it. */
    this.found = new Heap();
    this.parents = [-1];
    this.characters = [0];
    this.states = [0];
    this.lengths = [0];
    this.logs = [0];
    this.contextOf = [asked.contexts.start()];
    /** @type {(Float64Array | null)[]} of what follows each, minus infinity where it was taken or may not follow */
    this.rows = [null];
    this.queue = [0];
  }

  /** How many beginnings were looked at. */
  get looked() {
    return this.rows.length;
  }

  /**
   * The ids of a beginning.
   * @param {number} number
   */
  ids(number) {
    const ids = [];
    for (let at = number; this.parents[at] >= 0; at = this.parents[at]) ids.push(this.characters[at]);
    return ids.reverse();
  }

  /** Continue the likeliest beginnings; whether anything is left to continue. */
  work() {
    if (this.queue.length === 0) this.takeOut();
    if (this.queue.length === 0) return false;
    const { contexts } = this.asked;
    if (this.era !== contexts.era) {
      this.era = contexts.era;
      this.contextOf = [];
    }
    const queue = this.queue;
    this.queue = [];
    this.bring(queue);
    const said = contexts.logProbabilities(Int32Array.from(queue, (number) => this.contextOf[number]));
    queue.forEach((number, place) => this.continue(number, said.subarray(place * this.width, (place + 1) * this.width)));
    return true;
  }

  /**
   * The contexts of these beginnings; all are worked out from the first character on where the engine has forgotten.
   * @param {number[]} queue
   */
  bring(queue) {
    const { contexts } = this.asked;
    const parents = queue.filter((number) => this.parents[number] >= 0 && this.contextOf[number] === undefined);
    for (const number of parents) {
      const parent = this.parents[number];
      this.contextOf[parent] ??= contexts.after(this.ids(parent));
    }
    if (queue.includes(0)) this.contextOf[0] ??= contexts.start();
    const after = contexts.step(
      Int32Array.from(parents, (number) => this.contextOf[this.parents[number]]),
      Int32Array.from(parents, (number) => this.characters[number]),
    );
    parents.forEach((number, place) => (this.contextOf[number] = after[place]));
  }

  /**
   * @param {number} number of a beginning
   * @param {Float32Array} said
   */
  continue(number, said) {
    const { automaton } = this;
    const state = this.states[number];
    const length = this.lengths[number];
    const row = new Float64Array(this.width).fill(-Infinity);
    for (let id = 1; id < this.width; id++) {
      const after = automaton.transitions[state * this.width + id];
      if (after !== DEAD && length + 1 + automaton.distance[after] <= this.longest) row[id] = this.logs[number] + said[id];
    }
    this.rows[number] = row;
    if (automaton.accepting[state] && length > 0 && said[0] > -Infinity) this.found.push(this.logs[number] + said[0], number);
    this.wait(number);
  }

  /**
   * Put a beginning to wait for its likeliest character.
   * @param {number} number
   */
  wait(number) {
    const row = this.rows[number];
    let best = 0;
    for (let id = 1; id < this.width; id++) if (row[id] > row[best]) best = id;
    if (best === 0) this.rows[number] = null; // nothing follows any more
    else this.waiting.push(row[best], number);
  }

  /** The likeliest beginnings one character longer, to be continued next. */
  takeOut() {
    while (this.waiting.size && this.queue.length < BEGINNINGS_AT_ONCE) {
      const log = this.waiting.highest;
      const number = this.waiting.pop();
      const row = this.rows[number];
      let id = 1;
      while (row[id] !== log) id++;
      row[id] = -Infinity;
      this.wait(number);
      this.queue.push(this.rows.length);
      this.rows.push(null);
      this.parents.push(number);
      this.characters.push(id);
      this.states.push(this.automaton.transitions[this.states[number] * this.width + id]);
      this.lengths.push(this.lengths[number] + 1);
      this.logs.push(log);
    }
  }

  /**
   * Strings that are certain to come next, in order.
   * @returns {{logLikelihood: number, string: string}[]}
   */
  certain() {
    if (this.queue.length === 0) this.takeOut();
    const bound = this.queue.reduce((most, number) => Math.max(most, this.logs[number]), this.waiting.highest);
    const told = [];
    while (this.found.size && this.found.highest > bound) {
      const logLikelihood = this.found.highest;
      const equal = [];
      while (this.found.highest === logLikelihood) equal.push(this.asked.alphabet.decoded(this.ids(this.found.pop())));
      for (const string of equal.sort(byCodePoints)) if (!this.refused(string)) told.push({ string, logLikelihood });
    }
    return told;
  }
}

/**
 * The order of code points, which is that of Python; not that of UTF-16.
 * @param {string} a
 * @param {string} b
 */
export function byCodePoints(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let place = 0; place < Math.min(left.length, right.length); place++) {
    const difference = left[place].codePointAt(0) - right[place].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

/**
 * A job that tells the likeliest strings in their exact order; of equally likely ones the first by code points.
 * @param {import("./models.js").Asked} asked
 * @param {import("./conditions.js").Wish} wish
 * @returns {Generator<object, void, void>}
 */
export function* likeliest(asked, wish) {
  const { count, temperature } = checkedNumbers(wish);
  if (temperature !== 1) {
    throw new Refusal(`the temperature is ${temperature}; the likeliest strings are not drawn, so it has no use there`);
  }
  const refused = refusalOf(asked, wish.isNew);
  const conditions = conditionsOf(wish, asked.alphabet);
  const automaton = allOf(conditions, asked.alphabet) ?? ofLength(1, null, asked.alphabet.size);
  if (wish.isNew && conditions.length) checkSomeLeft(automaton, asked.alphabet, refused);
  const search = new BestFirst(asked, automaton, refused);
  let found = 0;
  while (found < count) {
    asked.contexts.tidy();
    const more = search.work();
    const strings = search.certain().slice(0, count - found);
    found += strings.length;
    const tooMany = search.looked >= search.most;
    const done = found === count || !more || tooMany;
    let reason = null;
    if (done && found < count) {
      reason = more
        ? `only ${grouped(found)} of the ${grouped(count)} likeliest strings are known after ` +
          `${grouped(search.looked)} beginnings; ask for fewer strings or conditions, or draw samples`
        : `there are only ${grouped(found)} such strings`;
    }
    yield { strings, looked: search.looked, done, reason };
    if (done) return;
  }
  yield { strings: [], looked: search.looked, done: true, reason: null };
}
