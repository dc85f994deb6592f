const FIRST = 1024; // entries

function grown(array, size) {
  const larger = new array.constructor(Math.max(size, 2 * array.length));
  larger.set(array);
  return larger;
}

/** An array with room for at least so many numbers: the same one, or a larger copy. */
export function withRoom(array, size) {
  return size <= array.length ? array : grown(array, size);
}

/** Numbers for keys of a few whole numbers each, counted from 0 in the order in which the keys come. */
export class Numbering {
  /** @param {number} parts how many numbers a key has */
  constructor(parts) {
    this.parts = parts;
    this.drop();
  }

  drop() {
    this.count = 0;
    /** The keys, one after the other. */
    this.keys = new Int32Array(FIRST * this.parts);
    this.slots = new Int32Array(2 * FIRST); // 1 + the number of a key; at most half are in use
  }

  /**
   * The number of a key; a new one gets the next number.
   * @param {Int32Array} key
   * @returns {number}
   */
  number(key) {
    const { parts, keys } = this;
    const mask = this.slots.length - 1;
    let slot = hash(key, 0, parts) & mask;
    for (let entry = this.slots[slot]; entry !== 0; entry = this.slots[slot]) {
      const start = (entry - 1) * parts;
      let same = 0;
      while (same < parts && keys[start + same] === key[same]) same++;
      if (same === parts) return entry - 1;
      slot = (slot + 1) & mask;
    }
    return this.add(key, slot);
  }

  add(key, slot) {
    const number = this.count++;
    this.keys = withRoom(this.keys, this.count * this.parts);
    this.keys.set(key.length === this.parts ? key : key.subarray(0, this.parts), number * this.parts);
    this.slots[slot] = this.count;
    if (2 * this.count > this.slots.length) this.spread();
    return number;
  }

  spread() {
    this.slots = new Int32Array(2 * this.slots.length);
    const mask = this.slots.length - 1;
    for (let number = 0; number < this.count; number++) {
      let slot = hash(this.keys, number * this.parts, this.parts) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = number + 1;
    }
  }

  get bytes() {
    return 4 * (this.keys.length + this.slots.length);
  }
}

function hash(numbers, start, parts) {
  let found = 0x9e3779b9 | 0;
  for (let i = start; i < start + parts; i++) {
    found = Math.imul(found ^ numbers[i], 0x85ebca6b);
    found ^= found >>> 15;
  }
  found = Math.imul(found, 0xc2b2ae35);
  return found ^ (found >>> 13);
}

/** Which state follows a state with an id: what was worked out before. */
export class Following {
  /** @param {number} size how many ids there are */
  constructor(size) {
    this.size = size;
    this.dense = size <= 128;
    this.drop();
  }

  drop() {
    this.table = new Int32Array(this.dense ? FIRST * this.size : 0); // 1 + the state
    this.rest = this.dense ? null : new Map();
  }

  /** @returns {number} -1 where it is not known yet */
  get(state, id) {
    if (!this.dense) return this.rest.get(state * this.size + id) ?? -1;
    const at = state * this.size + id;
    return at < this.table.length ? this.table[at] - 1 : -1;
  }

  set(state, id, next) {
    if (!this.dense) {
      this.rest.set(state * this.size + id, next);
      return;
    }
    this.table = withRoom(this.table, (state + 1) * this.size);
    this.table[state * this.size + id] = next + 1;
  }

  get bytes() {
    return this.dense ? 4 * this.table.length : 40 * this.rest.size;
  }
}

/** The log-probabilities of states, each computed once, and draws from them. */
export class Answers {
  /**
   * @param {number} size how many ids there are, V
   * @param {(from: number, to: number, rows: Float32Array) => void} compute writes those of these states, (to, V)
   */
  constructor(size, compute) {
    this.size = size;
    this.compute = compute;
    this.drop();
  }

  drop() {
    this.known = 0;
    this.rows = new Float32Array(0);
    this.summed = 0;
    this.sums = new Float64Array(0);
  }

  /** Those of the first `count` states are known from then on; (count, V). */
  upTo(count) {
    if (this.known < count) {
      this.rows = withRoom(this.rows, count * this.size);
      this.compute(this.known, count, this.rows);
      this.known = count;
    }
    return this.rows;
  }

  /** @returns {Float32Array} (n, V) of these states */
  of(states) {
    const { size, rows } = this;
    const found = new Float32Array(states.length * size);
    for (let i = 0, to = 0; i < states.length; i++) {
      const from = states[i] * size;
      for (let id = 0; id < size; id++) found[to++] = rows[from + id];
    }
    return found;
  }

  /** @returns {Int32Array} the id for each state that a number from 0 up to 1 picks */
  drawn(states, uniforms) {
    this.sum();
    const { size, sums } = this;
    const ids = new Int32Array(states.length);
    for (let i = 0; i < states.length; i++) {
      const start = states[i] * size;
      const wanted = uniforms[i] * sums[start + size - 1];
      let [low, high] = [0, size - 1]; // the first id whose sum is above what is wanted
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[start + middle] > wanted) high = middle;
        else low = middle + 1;
      }
      ids[i] = low;
    }
    return ids;
  }

  sum() {
    const { size, rows } = this;
    this.sums = withRoom(this.sums, this.known * size);
    for (let at = this.summed * size; at < this.known * size; at += size) {
      let sum = 0;
      for (let id = 0; id < size; id++) this.sums[at + id] = sum += Math.exp(rows[at + id]);
    }
    this.summed = this.known;
  }

  get bytes() {
    return 4 * this.rows.length + 8 * this.sums.length;
  }
}

/** Logits to log-probabilities, in their place. Throws where they are no numbers. */
export function normalise(rows, start, size) {
  let highest = -Infinity;
  for (let i = start; i < start + size; i++) if (rows[i] > highest) highest = rows[i];
  let total = 0;
  for (let i = start; i < start + size; i++) total += Math.exp(rows[i] - highest);
  const sum = highest + Math.log(total);
  if (!Number.isFinite(sum)) throw new Error("The model's numbers are too large to compute with; train it again.");
  for (let i = start; i < start + size; i++) rows[i] -= sum;
}
