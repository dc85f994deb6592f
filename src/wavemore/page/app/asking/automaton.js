// Finite automata over a model's ids, as in Python's sampling/automaton.py: deterministic, and trimmed so that every
// state can be reached and from every state an accepting one can. A string is acceptable if its ids lead from state 0
// to an accepting state.
//
// Shapes: Q states, V ids (the boundary, id 0, is no character; its column is DEAD).

import { Refusal, grouped } from "./texts.js";

/** In place of a state: no acceptable string has this beginning. */
export const DEAD = -1;

const LARGEST_TABLE = 1 << 24; // numbers in a table of transitions

/**
 * Throws a Refusal for an automaton that is too large.
 * @param {number} states
 * @param {number} width
 */
export function checkSize(states, width) {
  if (states * width > LARGEST_TABLE) {
    throw new Refusal(
      `the conditions together need an automaton of ${grouped(states)} states or more; with ${grouped(width)} ` +
        `characters it must have at most ${grouped(Math.floor(LARGEST_TABLE / width))}: ask for fewer or shorter conditions`,
    );
  }
}

/** A trimmed deterministic automaton; one that accepts nothing has no states. Build it with `Automaton.of`. */
export class Automaton {
  /**
   * @param {number} width V
   * @param {Int32Array} transitions Q x V: the state after each id, or DEAD
   * @param {Uint8Array} accepting Q: whether a string may end here
   * @param {Int32Array} distance Q: the fewest characters that lead to an accepting state
   */
  constructor(width, transitions, accepting, distance) {
    this.width = width;
    this.transitions = transitions;
    this.accepting = accepting;
    this.distance = distance;
  }

  /**
   * @param {number} width
   * @param {Int32Array} transitions Q x V
   * @param {Uint8Array} accepting Q
   * @returns {Automaton}
   */
  static of(width, transitions, accepting) {
    const distance = distances(width, transitions, accepting);
    const states = accepting.length;
    const number = new Int32Array(states).fill(DEAD);
    if (states === 0 || distance[0] < 0) {
      return new Automaton(width, new Int32Array(0), new Uint8Array(0), new Int32Array(0));
    }
    const queue = [0];
    const reached = new Uint8Array(states);
    reached[0] = 1;
    for (let place = 0; place < queue.length; place++) {
      for (let id = 1; id < width; id++) {
        const after = transitions[queue[place] * width + id];
        if (after !== DEAD && distance[after] >= 0 && !reached[after]) {
          reached[after] = 1;
          queue.push(after);
        }
      }
    }
    let live = 0;
    for (let state = 0; state < states; state++) if (reached[state]) number[state] = live++;
    const table = new Int32Array(live * width).fill(DEAD);
    const ends = new Uint8Array(live);
    const far = new Int32Array(live);
    for (let state = 0; state < states; state++) {
      if (!reached[state]) continue;
      const row = number[state];
      ends[row] = accepting[state];
      far[row] = distance[state];
      for (let id = 1; id < width; id++) {
        const after = transitions[state * width + id];
        table[row * width + id] = after === DEAD ? DEAD : number[after];
      }
    }
    return new Automaton(width, table, ends, far);
  }

  /** Whether nothing is acceptable. */
  get empty() {
    return this.accepting.length === 0;
  }

  /** How many states there are. */
  get states() {
    return this.accepting.length;
  }

  /**
   * Whether ids lead to an accepting state.
   * @param {ArrayLike<number>} ids
   */
  accepts(ids) {
    let state = this.empty ? DEAD : 0;
    for (let place = 0; place < ids.length && state !== DEAD; place++) {
      state = ids[place] > 0 ? this.transitions[state * this.width + ids[place]] : DEAD;
    }
    return state !== DEAD && this.accepting[state] === 1;
  }

  /**
   * Whether from a state on everything is acceptable, the end included.
   * @param {number} state
   */
  freeFrom(state) {
    const seen = new Set([state]);
    for (const at of seen) {
      if (!this.accepting[at]) return false;
      for (let id = 1; id < this.width; id++) {
        const after = this.transitions[at * this.width + id];
        if (after === DEAD) return false;
        seen.add(after);
      }
    }
    return true;
  }

  /**
   * The ids that every acceptable string begins with, and the state after them.
   * @returns {{ids: number[], state: number}}
   */
  forced() {
    const ids = [];
    let state = 0;
    while (!this.accepting[state]) {
      const following = [];
      for (let id = 1; id < this.width && following.length < 2; id++) {
        if (this.transitions[state * this.width + id] !== DEAD) following.push(id);
      }
      if (following.length !== 1) break;
      ids.push(following[0]);
      state = this.transitions[state * this.width + following[0]];
    }
    return { ids, state };
  }

  /**
   * All acceptable strings as ids, if there are at most so many; otherwise null.
   * @param {number} most
   * @returns {number[][] | null}
   */
  every(most) {
    if (this.count(most) === null) return null;
    const found = [];
    const places = this.empty ? [] : [{ state: 0, ids: [] }];
    while (places.length) {
      const { state, ids } = places.pop();
      if (this.accepting[state]) found.push(ids);
      for (let id = 1; id < this.width; id++) {
        const after = this.transitions[state * this.width + id];
        if (after !== DEAD) places.push({ state: after, ids: [...ids, id] });
      }
    }
    return found;
  }

  /**
   * How many strings are acceptable; null for more than `most`, as where a loop makes them endless.
   * @param {number} most
   * @returns {number | null}
   */
  count(most) {
    let ways = new Float64Array(this.states); // with a number of characters that grows
    if (!this.empty) ways[0] = 1;
    let total = 0;
    for (let round = 0; round <= this.states; round++) {
      const after = new Float64Array(this.states);
      let all = 0;
      for (let state = 0; state < this.states; state++) {
        if (!ways[state]) continue;
        all += ways[state];
        if (this.accepting[state]) total += ways[state];
        for (let id = 1; id < this.width; id++) {
          const next = this.transitions[state * this.width + id];
          if (next !== DEAD) after[next] += ways[state];
        }
      }
      if (all === 0) return total;
      if (total > most || all > most) return null;
      ways = after;
    }
    return null; // longer than there are states: a loop
  }
}

/**
 * The automaton of what two accept.
 * @param {Automaton} a
 * @param {Automaton} b
 * @returns {Automaton}
 */
export function both(a, b) {
  const width = a.width;
  if (a.empty || b.empty) return Automaton.of(width, new Int32Array(0), new Uint8Array(0));
  const number = new Map([[0, 0]]);
  const pairs = [[0, 0]];
  const rows = [];
  for (let place = 0; place < pairs.length; place++) {
    const [first, second] = pairs[place];
    const row = new Int32Array(width).fill(DEAD);
    for (let id = 1; id < width; id++) {
      const left = a.transitions[first * width + id];
      const right = left === DEAD ? DEAD : b.transitions[second * width + id];
      if (right === DEAD) continue;
      const key = left * b.states + right;
      let known = number.get(key);
      if (known === undefined) {
        known = pairs.length;
        checkSize(known + 1, width);
        number.set(key, known);
        pairs.push([left, right]);
      }
      row[id] = known;
    }
    rows.push(row);
  }
  const transitions = new Int32Array(pairs.length * width);
  rows.forEach((row, place) => transitions.set(row, place * width));
  const accepting = Uint8Array.from(pairs, ([first, second]) => a.accepting[first] & b.accepting[second]);
  return Automaton.of(width, transitions, accepting);
}

/**
 * The fewest characters from each state to an accepting one, -1 where none lead there.
 * @param {number} width
 * @param {Int32Array} transitions
 * @param {Uint8Array} accepting
 */
function distances(width, transitions, accepting) {
  const states = accepting.length;
  const starts = new Int32Array(states + 1); // where the states before each begin, in `before`
  for (const after of transitions) if (after !== DEAD) starts[after + 1]++;
  for (let state = 0; state < states; state++) starts[state + 1] += starts[state];
  const before = new Int32Array(starts[states]);
  const filled = starts.slice(0, states);
  for (let place = 0; place < transitions.length; place++) {
    if (transitions[place] !== DEAD) before[filled[transitions[place]]++] = Math.floor(place / width);
  }
  const distance = new Int32Array(states).fill(-1);
  let frontier = [];
  for (let state = 0; state < states; state++) if (accepting[state]) frontier.push(state);
  for (const state of frontier) distance[state] = 0;
  for (let steps = 1; frontier.length; steps++) {
    const next = [];
    for (const state of frontier) {
      for (let place = starts[state]; place < starts[state + 1]; place++) {
        if (distance[before[place]] < 0) {
          distance[before[place]] = steps;
          next.push(before[place]);
        }
      }
    }
    frontier = next;
  }
  return distance;
}
