import { Products, TOGETHER } from "./levels.js";
import { NodeRows } from "./memory.js";
import { Answers, Following, normalise, Numbering, withRoom } from "./tables.js";

const MOST_KEPT = 1 << 20; // possible chunks of a level whose nodes' products are kept

/**
 * What a model's networks say: each distinct chunk computed once, level by level.
 *
 * A chunk of a level is named by its children, the chunks of the level below that it is made of (and by the label, at
 * the levels that a label shifts); chunks are numbered as they come, and computed when log-probabilities are asked for,
 * many together. A state is a chunk of the top level: a distinct context. Beside it stand the chunks that later contexts
 * look back to. All networks of an ensemble have the same chunks, and each its own numbers.
 */
export class Network {
  /** @param {import("./weights.js").Networks} networks */
  constructor(networks) {
    const { memory, shape, size, of, width, logits } = networks;
    this.networks = networks;
    this.memory = memory;
    this.shape = shape;
    this.size = size;
    this.weights = of;
    this.chunks = shape.map(({ group }, i) => new Numbering(group + (networks.shifted(i) ? 1 : 0)));
    this.done = shape.map(() => 0);
    this.products = this.productsOfLevels();
    const room = (numbers) => of.map(() => new NodeRows(memory, numbers, TOGETHER));
    this.values = shape.map(() => room(width));
    this.heads = shape.map(() => room(logits));
    const parts = 1 + Math.max(...shape.map(({ group }) => group));
    this.addresses = memory.take((TOGETHER + 4) * parts);
    this.lines = memory.take(TOGETHER + 4);
    this.answers = new Answers(size, (from, to, rows) => this.compute(from, to, rows));
    this.following = new Following(size);
    this.key = new Int32Array(parts);
    this.forget();
  }

  productsOfLevels() {
    let length = 1;
    return this.shape.map(({ group, back }, i) => {
      const kept = this.size ** length <= MOST_KEPT && !this.networks.shifted(i - 1);
      length += back;
      const weights = this.weights.map((levels) => levels[i]);
      return Array.from({ length: group }, (_, place) => new Products(weights, place, kept));
    });
  }

  /** Bytes that nodes, states and their log-probabilities take. */
  get kept() {
    const numbered = this.chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    const rows = [...this.values, ...this.heads, ...this.products.flat().map((products) => products.rows)].flat();
    const nodes = rows.reduce((sum, { bytesTaken }) => sum + bytesTaken, 0);
    return nodes + numbered + this.answers.bytes + this.following.bytes + 4 * this.windows.length;
  }

  /** Drop all nodes and states. */
  forget() {
    for (const chunks of this.chunks) chunks.drop();
    for (const places of this.products) for (const products of places) products.drop();
    for (const rows of [...this.values, ...this.heads].flat()) rows.drop();
    this.done.fill(0);
    this.answers.drop();
    this.following.drop();
    this.noted = 0;
    this.windows = new Int32Array(0);
    this.labels = new Int32Array(0);
  }

  /**
   * The state before a string's first character.
   * @param {number} label its number; 0 without labels
   */
  start(label) {
    let newest = 0;
    const window = [];
    this.shape.forEach(({ group, back }, i) => {
      for (let j = 0; j < back; j++) window.push(newest);
      this.key.fill(newest, 0, group);
      this.key[group] = label;
      newest = this.chunks[i].number(this.key);
    });
    if (newest >= this.noted) this.note(newest, label, window);
    return newest;
  }

  /** What a state needs beside its chunk: its label, and the chunks that its successors look back to. */
  note(state, label, window) {
    const width = this.networks.context - 1;
    this.labels = withRoom(this.labels, state + 1);
    this.labels[state] = label;
    this.windows = withRoom(this.windows, (state + 1) * width);
    for (let i = 0; i < width; i++) this.windows[state * width + i] = window[i];
    this.noted = state + 1;
  }

  /**
   * The states after one more character each.
   * @param {Int32Array} states
   * @param {Int32Array} ids none of them the boundary
   * @returns {Int32Array}
   */
  step(states, ids) {
    const found = new Int32Array(states.length);
    for (let i = 0; i < states.length; i++) {
      let next = this.following.get(states[i], ids[i]);
      if (next < 0) {
        next = this.next(states[i], ids[i]);
        this.following.set(states[i], ids[i], next);
      }
      found[i] = next;
    }
    return found;
  }

  next(state, id) {
    const { key, shape } = this;
    const width = this.networks.context - 1;
    const window = new Int32Array(width);
    let [newest, start] = [id, state * width];
    for (let i = 0, to = 0; i < shape.length; i++) {
      const { group, dilation, back } = shape[i];
      for (let j = 0; j < group; j++) {
        const ago = (group - 1 - j) * dilation;
        key[j] = ago === 0 ? newest : this.windows[start + back - ago];
      }
      for (let j = 1; j < back; j++) window[to++] = this.windows[start + j];
      if (back > 0) window[to++] = newest;
      start += back;
      key[group] = this.labels[state];
      newest = this.chunks[i].number(key);
    }
    if (newest >= this.noted) this.note(newest, this.labels[state], window);
    return newest;
  }

  /** The log-probabilities of the states that are numbered from `from` up to `to`. */
  compute(from, to, rows) {
    const top = this.shape.length - 1;
    for (let i = 0; i < top; i++) {
      for (const count = this.chunks[i].count; this.done[i] < count; ) {
        const n = Math.min(TOGETHER, count - this.done[i], this.values[i][0].together(this.done[i]));
        const out = this.values[i].map((values) => values.address(this.done[i]));
        this.fill(i, this.done[i], n, out);
        this.read(i, this.done[i], n, out);
        this.done[i] += n;
      }
    }
    for (let start = from; start < to; start += TOGETHER) {
      const n = Math.min(TOGETHER, to - start);
      const out = this.values[top].map((values) => values.address(0));
      this.fill(top, start, n, out);
      this.answer(start, n, out, rows);
    }
  }

  /** Compute n nodes of a level, from `first` on, into the rows that begin at `out`, of each network. */
  fill(i, first, n, out) {
    const { group } = this.shape[i];
    const { keys, parts } = this.chunks[i];
    const children = Array.from({ length: group }, (_, j) =>
      Int32Array.from({ length: n }, (_, row) => keys[(first + row) * parts + j]),
    );
    const below = i === 0 ? this.networks.embeddings : this.values[i - 1];
    children.forEach((nodes, j) => this.products[i][j].require(nodes, n, below));
    const labels = this.networks.shifted(i) ? Int32Array.from({ length: n }, (_, row) => keys[(first + row) * parts + group]) : null;
    this.weights.forEach((levels, network) => {
      const shifts = labels && Array.from(labels, (label) => this.networks.shiftRow(network, i, label));
      const { integers } = this.memory;
      let at = this.addresses >> 2;
      for (let row = 0; row < n; row++) {
        for (let j = 0; j < group; j++) integers[at++] = this.products[i][j].address(network, children[j][row]);
        if (shifts) integers[at++] = shifts[row];
      }
      levels[i].finish(this.addresses, parts, n, out[network]);
      if (levels[i].residual) this.addNewest(i, network, children[group - 1], n, out[network]);
    });
  }

  addNewest(i, network, nodes, n, out) {
    const { floats } = this.memory;
    const below = i === 0 ? this.networks.embeddings : this.values[i - 1];
    const width = this.values[i][network].bytes >> 2;
    const channels = i === 0 ? this.weights[network][0].channels : width;
    for (let row = 0; row < n; row++) {
      const from = below[network].address(nodes[row]) >> 2;
      const to = (out >> 2) + row * width;
      for (let c = 0; c < channels; c++) floats[to + c] += floats[from + c];
    }
  }

  /** What the head reads of the nodes of a level but the top one. */
  read(i, first, n, out) {
    this.weights.forEach((levels, network) => {
      if (!levels[i].head) return;
      const bytes = this.values[i][network].bytes;
      const heads = this.heads[i][network];
      for (let start = 0; start < n; ) {
        const some = Math.min(n - start, heads.together(first + start));
        const to = heads.address(first + start);
        levels[i].inOrder(this.lines, out[network] + start * bytes, some, bytes);
        levels[i].read(this.lines, some, to);
        start += some;
      }
    });
  }

  /** The log-probabilities of n states whose nodes lie at `out`: the mean of the networks' logits, normalised. */
  answer(first, n, out, rows) {
    const { size } = this;
    const top = this.shape.length - 1;
    rows.fill(0, first * size, (first + n) * size);
    this.weights.forEach((levels, network) => {
      const to = this.heads[top][network].address(0);
      const bytes = this.values[top][network].bytes;
      levels[top].inOrder(this.lines, out[network], n, bytes);
      levels[top].read(this.lines, n, to);
      for (let row = 0; row < n; row++) {
        this.add(rows, first + row, to + row * 4 * this.networks.logits);
        this.addRead(rows, first + row, network);
      }
    });
    for (let row = first; row < first + n; row++) {
      const at = row * size;
      if (this.networks.labelled) this.addHeadShifts(rows, at, this.labels[row]);
      for (let id = 0; id < size; id++) rows[at + id] /= this.weights.length;
      normalise(rows, at, size);
    }
  }

  add(rows, row, address) {
    const { floats } = this.memory;
    for (let id = 0; id < this.size; id++) rows[row * this.size + id] += floats[(address >> 2) + id];
  }

  /** Add what the head reads of lower levels: of the newest node of each. */
  addRead(rows, state, network) {
    let node = state;
    for (let i = this.shape.length - 1; i > 0; i--) {
      const { keys, parts } = this.chunks[i];
      node = keys[node * parts + this.shape[i].group - 1];
      if (this.weights[network][i - 1].head) this.add(rows, state, this.heads[i - 1][network].address(node));
    }
  }

  /** Add what a label shifts in the logits of all networks. */
  addHeadShifts(rows, at, label) {
    for (const row of this.networks.headShiftsOf(label)) {
      for (let id = 0; id < this.size; id++) rows[at + id] += row[id];
    }
  }
}
