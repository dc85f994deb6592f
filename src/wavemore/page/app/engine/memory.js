import { plainKernel } from "./products.js";

const PAGE = 65536; // bytes, of WebAssembly's memory
const MOST_PAGES = 49152; // 3 GiB
const FIRST_PAGES = 64;

/**
 * The numbers that the kernel works on, and the kernel: WebAssembly, or plain JavaScript where that has no SIMD.
 * An address is in bytes, a multiple of 16.
 */
export class Memory {
  /** @param {Uint8Array | null} kernel the module's bytes; null for plain JavaScript */
  constructor(kernel) {
    this.pages = FIRST_PAGES;
    this.end = 16; // the first free byte; nothing lies at 0
    /** Bytes that are in use. */
    this.used = 0;
    this.free = new Map(); // by size, addresses
    this.module = kernel && compiled(kernel);
    if (this.module) {
      this.wasm = new WebAssembly.Memory({ initial: this.pages, maximum: MOST_PAGES });
      this.kernel = new WebAssembly.Instance(this.module, { page: { memory: this.wasm } }).exports;
      this.view(this.wasm.buffer);
    } else {
      this.kernel = plainKernel(this);
      this.view(new ArrayBuffer(this.pages * PAGE));
    }
    this.zeros = 0;
  }

  view(buffer) {
    /** All numbers; a new array after `take`. */
    this.floats = new Float32Array(buffer);
    /** The same as whole numbers. */
    this.integers = new Int32Array(buffer);
  }

  /**
   * Room for so many numbers of 4 bytes.
   * @param {number} numbers
   * @returns {number} its address
   */
  take(numbers) {
    const bytes = (4 * numbers + 15) & ~15;
    this.used += bytes;
    const kept = this.free.get(bytes);
    if (kept && kept.length) return kept.pop();
    const address = this.end;
    this.end += bytes;
    if (this.end > this.pages * PAGE) this.grow();
    return address;
  }

  /** Give it back. */
  release(address, numbers) {
    const bytes = (4 * numbers + 15) & ~15;
    this.used -= bytes;
    if (!this.free.has(bytes)) this.free.set(bytes, []);
    this.free.get(bytes).push(address);
  }

  grow() {
    const needed = Math.ceil(this.end / PAGE);
    const pages = Math.min(MOST_PAGES, Math.max(needed, Math.ceil(1.5 * this.pages)));
    if (needed > pages) throw new Error("the model needs more memory than a page may have");
    if (this.module) {
      this.wasm.grow(pages - this.pages);
      this.view(this.wasm.buffer);
    } else {
      const larger = new Float32Array((pages * PAGE) / 4);
      larger.set(this.floats);
      this.view(larger.buffer);
    }
    this.pages = pages;
  }

  /** Keep these numbers. @returns {number} their address */
  put(numbers) {
    const address = this.take(numbers.length);
    this.floats.set(numbers, address / 4);
    return address;
  }
}

function compiled(kernel) {
  try {
    return new WebAssembly.Module(kernel);
  } catch {
    return null; // no WebAssembly, or none with SIMD
  }
}

/** NodeRows of one width, as many as come, in blocks. */
export class NodeRows {
  /**
   * @param {Memory} memory
   * @param {number} width numbers in a row, a multiple of 8
   * @param {number} together rows at least that lie in one block
   */
  constructor(memory, width, together) {
    this.memory = memory;
    this.bytes = 4 * width;
    this.shift = 0;
    while (1 << this.shift < together || (2 << this.shift) * this.bytes <= 1 << 18) this.shift++;
    this.size = ((1 << this.shift) + 4) * width; // a product may write up to three rows more
    this.blocks = [];
  }

  /** The address of a row. */
  address(row) {
    const block = row >> this.shift;
    while (block >= this.blocks.length) this.blocks.push(this.memory.take(this.size));
    return this.blocks[block] + (row & ((1 << this.shift) - 1)) * this.bytes;
  }

  /** How many rows from this one on lie one after the other. */
  together(row) {
    return (1 << this.shift) - (row & ((1 << this.shift) - 1));
  }

  get bytesTaken() {
    return 4 * this.size * this.blocks.length;
  }

  drop() {
    for (const block of this.blocks) this.memory.release(block, this.size);
    this.blocks = [];
  }
}
