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
    this.window = new Int32Array(networks.context - 1);
    this.children = Array.from({ length: parts }, () => new Int32Array(TOGETHER)); // by place; the labels last
    this.reads = of.map((levels) => levels.slice(0, -1).some(({ head }) => head !== 0)); // lower levels
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
    let [newest, to] = [0, 0];
    this.shape.forEach(({ group, back }, i) => {
      this.window.fill(newest, to, to + back);
      to += back;
      this.key.fill(newest, 0, group);
      this.key[group] = label;
      newest = this.chunks[i].number(this.key);
    });
    if (newest >= this.noted) this.note(newest, label);
    return newest;
  }

  /** What a state needs beside its chunk: its label, and the chunks that its successors look back to. */
  note(state, label) {
    const width = this.window.length;
    this.labels = withRoom(this.labels, state + 1);
    this.labels[state] = label;
    this.windows = withRoom(this.windows, (state + 1) * width);
    this.windows.set(this.window, state * width);
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
    const { key, shape, window, windows } = this;
    let [newest, start, to] = [id, state * window.length, 0];
    for (let i = 0; i < shape.length; i++) {
      const { group, dilation, back } = shape[i];
      for (let j = 0; j < group - 1; j++) key[j] = windows[start + j * dilation];
      key[group - 1] = newest;
      key[group] = this.labels[state];
      for (let j = 1; j < back; j++) window[to++] = windows[start + j];
      if (back > 0) window[to++] = newest;
      start += back;
      newest = this.chunks[i].number(key);
    }
    if (newest >= this.noted) this.note(newest, this.labels[state]);
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
    const { children, memory } = this;
    const { group } = this.shape[i];
    const { keys, parts } = this.chunks[i];
    for (let part = 0; part < parts; part++) {
      const of = children[part];
      for (let row = 0, at = first * parts + part; row < n; row++, at += parts) of[row] = keys[at];
    }
    const below = i === 0 ? this.networks.embeddings : this.values[i - 1];
    for (let j = 0; j < group; j++) this.products[i][j].require(children[j], n, below);
    for (let network = 0; network < this.weights.length; network++) {
      for (let j = 0; j < parts; j++) {
        const address = (row) =>
          j < group
            ? this.products[i][j].address(network, children[j][row])
            : this.networks.shiftRow(network, i, children[j][row]);
        for (let row = 0, at = (this.addresses >> 2) + j; row < n; row++, at += parts) memory.integers[at] = address(row);
      }
      const level = this.weights[network][i];
      level.finish(this.addresses, parts, n, out[network]);
      if (level.residual) this.addNewest(i, network, children[group - 1], n, out[network]);
    }
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
    const { size, weights } = this;
    const top = this.shape.length - 1;
    rows.fill(0, first * size, (first + n) * size);
    for (let network = 0; network < weights.length; network++) {
      const to = this.heads[top][network].address(0);
      const { bytes } = this.values[top][network];
      weights[network][top].inOrder(this.lines, out[network], n, bytes);
      weights[network][top].read(this.lines, n, to);
      for (let row = 0; row < n; row++) {
        this.add(rows, first + row, to + row * 4 * this.networks.logits);
        if (this.reads[network]) this.addRead(rows, first + row, network);
      }
    }
    for (let row = first, at = first * size; row < first + n; row++, at += size) {
      if (this.networks.labelled) this.addHeadShifts(rows, at, this.labels[row]);
      for (let id = 0; weights.length > 1 && id < size; id++) rows[at + id] /= weights.length;
      normalise(rows, at, size);
    }
  }

  add(rows, row, address) {
    const { size } = this;
    const { floats } = this.memory;
    for (let id = 0, to = row * size, from = address >> 2; id < size; id++) rows[to++] += floats[from++];
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
