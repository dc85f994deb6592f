import { padded, Weights } from "./levels.js";
import { shiftOf } from "./plain.js";

/** The weights of a model's networks, in the kernel's memory. */
export class Networks {
  /**
   * @param {object} header of the model
   * @param {(Float32Array | Uint8Array)[]} arrays
   * @param {import("./memory.js").Memory} memory
   */
  constructor(header, arrays, memory) {
    this.header = header;
    this.arrays = arrays;
    this.memory = memory;
    this.size = header.characters.length + 1;
    /** Channels of a node, padded, and how many numbers the head makes, padded. */
    this.width = padded(header.hidden);
    this.logits = padded(this.size);
    this.labelled = header.labels !== null;
    this.shape = header.networks[0].levels.map(({ group, dilation }) => ({
      group,
      dilation,
      back: (group - 1) * dilation, // how far a level looks back
    }));
    /** How many ids a prediction sees. */
    this.context = 1 + this.shape.reduce((sum, { back }) => sum + back, 0);
    /** Of each network its levels, from the bottom up. */
    this.of = header.networks.map(({ levels }) => levels.map((level) => new Weights(memory, header, level, arrays)));
    /** Of each network where the rows of its embedding lie. */
    this.embeddings = header.networks.map(({ embedding }) => {
      const channels = arrays[embedding].length / this.size;
      const rows = new Float32Array(this.size * padded(channels));
      for (let i = 0; i < arrays[embedding].length; i++) {
        rows[Math.floor(i / channels) * padded(channels) + (i % channels)] = arrays[embedding][i];
      }
      const address = memory.put(rows);
      return { address: (id) => address + 4 * id * padded(channels) };
    });
    this.shifts = new Map();
    this.headShifts = new Map();
  }

  /** Whether labels shift a level. */
  shifted(level) {
    return this.labelled && level >= this.header.unshifted;
  }

  shift(network, level, name, label) {
    return shiftOf(this.header, this.arrays, this.header.networks[network].levels[level][name], label);
  }

  /** The address of what a label shifts at a level of a network. */
  shiftRow(network, level, label) {
    const name = `${network} ${level} ${label}`;
    if (!this.shifts.has(name)) {
      const { halves, hidden } = this.of[network][level];
      const row = this.shift(network, level, "shifts", label);
      this.shifts.set(name, this.of[network][level].row(row, hidden, halves));
    }
    return this.shifts.get(name);
  }

  /** What a label shifts in the logits of each network. */
  headShiftsOf(label) {
    if (!this.headShifts.has(label)) {
      const top = this.shape.length - 1;
      this.headShifts.set(label, this.of.map((_, network) => this.shift(network, top, "headShifts", label)));
    }
    return this.headShifts.get(label);
  }
}
