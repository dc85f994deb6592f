// The tree of prefixes that rejection remembers; see pruning.js.
//
// Shapes: rows, one for each prefix; V ids, the boundary, id 0, included.

/** Bytes that a tree may take. */
export const TREE_BYTES = 1 << 26;

/** What was seen of prefixes. Row 0 is the root. */
export class Tree {
  /** @param {number} width V */
  constructor(width) {
    this.width = width;
    this.count = 0;
    this.room = 256;
    /** Rows x V: chances of what follows, 0 where no acceptable end is left. */
    this.chances = new Float64Array(this.room * width);
    /** Rows x V: the chances times the bounds of what follows. */
    this.weights = new Float64Array(this.room * width);
    /** Rows x V, nats: what the model says. */
    this.raw = new Float32Array(this.room * width);
    /** Rows x V: the rows of longer prefixes, -1 where there is none. */
    this.children = new Int32Array(this.room * width).fill(-1);
    this.bounds = new Float64Array(this.room);
    this.parents = new Int32Array(this.room);
    this.characters = new Int32Array(this.room);
    this.depths = new Int32Array(this.room);
  }

  /** Whether it has all the memory that it may have. */
  get full() {
    return this.count * this.width * 24 >= TREE_BYTES;
  }

  lengthen() {
    this.room *= 2;
    for (const name of ["chances", "weights", "raw", "children", "bounds", "parents", "characters", "depths"]) {
      const before = this[name];
      this[name] = new before.constructor(2 * before.length);
      if (name === "children") this[name].fill(-1);
      this[name].set(before);
    }
  }

  /**
   * A new row; its bound, and those above, are worked out by `refresh`.
   * @param {number} parent -1 for the root
   * @param {number} character
   * @param {{chances: Float64Array, raw: Float32Array}} said
   * @returns {number}
   */
  add(parent, character, said) {
    if (this.count === this.room) this.lengthen();
    const row = this.count++;
    this.chances.set(said.chances, row * this.width);
    this.weights.set(said.chances, row * this.width);
    this.raw.set(said.raw, row * this.width);
    this.parents[row] = parent;
    this.characters[row] = character;
    if (parent >= 0) {
      this.children[parent * this.width + character] = row;
      this.depths[row] = this.depths[parent] + 1;
    }
    return row;
  }

  /**
   * The string that ends after this prefix is not wanted.
   * @param {number} row
   */
  fail(row) {
    this.chances[row * this.width] = 0;
    this.weights[row * this.width] = 0;
  }

  /**
   * Work out the bounds of rows anew, and then those of all prefixes above them.
   * @param {number[]} rows
   */
  refresh(rows) {
    /** @type {Set<number>[]} */
    const byDepth = [];
    for (const row of rows) (byDepth[this.depths[row]] ??= new Set()).add(row);
    for (let depth = byDepth.length - 1; depth >= 0; depth--) {
      for (const row of byDepth[depth] ?? []) {
        let sum = 0;
        for (let at = row * this.width; at < (row + 1) * this.width; at++) sum += this.weights[at];
        this.bounds[row] = sum;
        const parent = this.parents[row];
        if (parent < 0) continue;
        const at = parent * this.width + this.characters[row];
        this.weights[at] = this.chances[at] * sum;
        (byDepth[depth - 1] ??= new Set()).add(parent);
      }
    }
  }

  /**
   * The id for a number from 0 to below 1.
   * @param {number} row
   * @param {number} uniform
   */
  pick(row, uniform) {
    const start = row * this.width;
    let left = uniform * this.bounds[row];
    let last = 0;
    for (let id = 0; id < this.width; id++) {
      const weight = this.weights[start + id];
      if (weight === 0) continue;
      last = id;
      left -= weight;
      if (left < 0) break;
    }
    return last;
  }
}
