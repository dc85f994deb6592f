import { NodeRows } from "./memory.js";
import { ACTIVATIONS } from "./products.js";

/** How many nodes are computed together. */
export const TOGETHER = 128;

const PANEL_BITS = 3;
const PANEL = 1 << PANEL_BITS; // columns whose weights lie side by side

/** The next multiple of 8. */
export function padded(channels) {
  return (channels + 7) & ~7;
}

/**
 * The weights of one level of one network, in the kernel's memory, and what it makes of nodes.
 *
 * Channels are padded with zeros to a multiple of 8, the two halves before a gate each by itself. Weights lie in panels
 * of 8 columns, as `kernel.wat` wants them.
 */
export class Weights {
  /**
   * @param {import("./memory.js").Memory} memory
   * @param {object} header of the model
   * @param {object} level of a network
   * @param {(Float32Array | Uint8Array)[]} arrays
   */
  constructor(memory, header, level, arrays) {
    const { hidden, characters } = header;
    this.memory = memory;
    this.kind = ACTIVATIONS.indexOf(header.activation);
    this.halves = header.activation === "gated" ? 2 : 1;
    this.hidden = hidden;
    this.out = padded(hidden);
    this.width = this.halves * this.out;
    this.size = padded(characters.length + 1);
    this.pieces = level.weights.map((number) => this.panels(arrays[number], hidden, this.halves));
    this.channels = padded(arrays[level.weights[0]].length / (this.halves * hidden));
    const row = (number, fill) => this.row(number === null ? null : arrays[number], hidden, this.halves, fill);
    this.bias = row(level.bias, 0);
    this.zeros = row(null, 0);
    this.normed = level.gamma !== null;
    this.gamma = this.normed ? row(level.gamma, 0) : 0;
    this.beta = this.normed ? row(level.beta, 0) : 0;
    this.residual = level.residual;
    this.head = level.head === null ? 0 : this.panels(arrays[level.head], characters.length + 1, 1);
    this.headBias = this.row(level.headBias === null ? null : arrays[level.headBias], characters.length + 1, 1);
    this.scratch = memory.take((TOGETHER + 4) * this.width);
    this.addresses = memory.take(8 * (TOGETHER + 4));
  }

  /** The address of a row of `halves` times `width` numbers, padded. */
  row(numbers, width, halves) {
    const side = padded(width);
    const found = new Float32Array(halves * side);
    for (let i = 0; numbers !== null && i < numbers.length; i++) {
      found[Math.floor(i / width) * side + (i % width)] = numbers[i];
    }
    return this.memory.put(found);
  }

  /** The address of the panels of a matrix. */
  panels(matrix, width, halves) {
    const side = padded(width);
    const channels = matrix.length / (width * halves);
    const panel = PANEL * padded(channels);
    const found = new Float32Array((panel * halves * side) / PANEL);
    for (let c = 0, from = 0; c < channels; c++) {
      for (let half = 0; half < halves; half++) {
        for (let w = 0; w < width; w++) {
          const column = half * side + w;
          found[(column >> PANEL_BITS) * panel + PANEL * c + (column & (PANEL - 1))] = matrix[from++];
        }
      }
    }
    return this.memory.put(found);
  }

  /** What children contribute at a place, from their rows' addresses at `rows`, written from `out` on. */
  contribute(place, rows, n, out) {
    const bias = place === 0 ? this.bias : this.zeros;
    this.memory.kernel.product(rows, n, this.pieces[place], bias, this.channels, this.width, out);
  }

  /** Nodes from the addresses of what they are the sum of, k each, written from `out` on. */
  finish(rows, k, n, out) {
    const { kernel } = this.memory;
    kernel.combine(rows, k, n, this.width, this.scratch);
    if (this.normed) kernel.norm(this.scratch, n, this.width, this.gamma, this.beta, this.halves * this.hidden);
    kernel.activate(this.kind, this.scratch, n, this.out, out);
  }

  /** What the head makes of nodes, from their addresses. */
  read(rows, n, out) {
    this.memory.kernel.product(rows, n, this.head, this.headBias, this.out, this.size, out);
  }

  /** Addresses of so many rows that lie one after the other, at `rows`; three more so that the kernel may take four. */
  inOrder(rows, first, n, bytes) {
    const { integers } = this.memory;
    for (let i = 0; i < n; i++) integers[(rows >> 2) + i] = first + i * bytes;
    this.fill(rows, n);
  }

  /** Repeat the last of n addresses three times. */
  fill(rows, n) {
    const { integers } = this.memory;
    for (let i = n; i < n + 3; i++) integers[(rows >> 2) + i] = integers[(rows >> 2) + n - 1];
  }
}

/** What the nodes of a level contribute at one place of the level above, of each network; each computed once. */
export class Products {
  /**
   * @param {Weights[]} weights of the level above, of each network
   * @param {number} place
   * @param {boolean} kept whether all are kept, or those of one batch alone
   */
  constructor(weights, place, kept) {
    this.weights = weights;
    this.place = place;
    this.kept = kept;
    this.rows = weights.map((one) => new NodeRows(one.memory, one.width, TOGETHER));
    this.drop();
  }

  drop() {
    for (const rows of this.rows) rows.drop();
    this.base = 1; // entries below it are of earlier batches
    this.count = 0;
    this.slots = new Int32Array(1024); // of each node: base + its row
  }

  /** Compute what is missing of these nodes. `values` are the nodes of each network. */
  require(nodes, n, values) {
    if (!this.kept) this.begin();
    const missing = [];
    for (let i = 0; i < n; i++) {
      const node = nodes[i];
      if (node >= this.slots.length) this.enlarge(node);
      if (this.slots[node] >= this.base) continue;
      this.slots[node] = this.base + this.count + missing.length;
      missing.push(node);
    }
    for (let from = 0; from < missing.length; ) {
      const most = Math.min(TOGETHER, missing.length - from, this.rows[0].together(this.count));
      this.weights.forEach((weights, network) => {
        const { addresses, memory } = weights;
        const out = this.rows[network].address(this.count);
        const found = new Int32Array(most);
        for (let i = 0; i < most; i++) found[i] = values[network].address(missing[from + i]);
        memory.integers.set(found, addresses >> 2);
        weights.fill(addresses, most);
        weights.contribute(this.place, addresses, most, out);
      });
      this.count += most;
      from += most;
    }
  }

  begin() {
    this.base += this.count;
    this.count = 0;
    if (this.base > 1 << 30) {
      this.base = 1;
      this.slots.fill(0);
    }
  }

  enlarge(node) {
    const larger = new Int32Array(Math.max(node + 1, 2 * this.slots.length));
    larger.set(this.slots);
    this.slots = larger;
  }

  /** The address of what a node contributes in a network. */
  address(network, node) {
    return this.rows[network].address(this.slots[node] - this.base);
  }
}
