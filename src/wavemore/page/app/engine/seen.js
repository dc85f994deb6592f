/** A set of strings, by the first bits of their fingerprints; `page/seen.py` says how it is stored. */
export class Seen {
  /**
   * @param {{salt: string, bits: number, count: number, remainder: number, codes: number}} told
   * @param {(Float32Array | Uint8Array)[]} arrays
   */
  constructor(told, arrays) {
    this.told = told;
    this.codes = arrays[told.codes];
    this.hash = new Blake2b(Uint8Array.from(told.salt.match(/../g), (two) => parseInt(two, 16)));
    this.sorted = null; // when it is first asked
  }

  /**
   * Whether a string is on the list. True of all that are, and by chance of few others.
   * @param {string} string
   */
  has(string) {
    this.sorted ??= decoded(this.codes, this.told.count, this.told.remainder);
    const wanted = this.hash.first(new TextEncoder().encode(string.normalize("NFC"))) >>> (32 - this.told.bits);
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low < this.sorted.length && this.sorted[low] === wanted;
  }
}

function decoded(codes, count, remainder) {
  const found = new Uint32Array(count);
  let at = 0;
  const bit = () => (codes[at >> 3] >> (7 - (at++ & 7))) & 1;
  for (let i = 0, last = -1; i < count; i++) {
    let gap = 0;
    while (bit()) gap++;
    for (let j = 0; j < remainder; j++) gap = 2 * gap + bit();
    found[i] = last += gap + 1;
  }
  return found;
}

const BLOCK = 128; // bytes
const DIGEST = 8; // bytes, of which four are used
const START = Uint32Array.of(
  0x6a09e667, 0xf3bcc908, 0xbb67ae85, 0x84caa73b, 0x3c6ef372, 0xfe94f82b, 0xa54ff53a, 0x5f1d36f1, 0x510e527f, 0xade682d1,
  0x9b05688c, 0x2b3e6c1f, 0x1f83d9ab, 0xfb41bd6b, 0x5be0cd19, 0x137e2179,
); // the higher half of each of eight numbers before the lower one
const ORDERS = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const PLACES = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

/** The keyed hash BLAKE2b (RFC 7693) with a digest of 8 bytes, in halves of its numbers of 64 bits. */
class Blake2b {
  /** @param {Uint8Array} key up to 64 bytes */
  constructor(key) {
    this.v = new Uint32Array(32);
    this.m = new Uint32Array(32);
    this.keyed = START.slice();
    this.keyed[1] ^= 0x01010000 ^ (key.length << 8) ^ DIGEST;
    const block = new Uint8Array(BLOCK);
    block.set(key);
    this.withoutText = this.keyed.slice();
    this.compress(this.withoutText, block, BLOCK, true);
    this.compress(this.keyed, block, BLOCK, false);
  }

  /**
   * The first four bytes of a text's digest, the first one highest.
   * @param {Uint8Array} text
   * @returns {number}
   */
  first(text) {
    const h = text.length ? this.keyed.slice() : this.withoutText;
    for (let start = 0; start < text.length; start += BLOCK) {
      const block = new Uint8Array(BLOCK);
      block.set(text.subarray(start, start + BLOCK));
      const end = start + BLOCK >= text.length;
      this.compress(h, block, BLOCK + (end ? text.length : start + BLOCK), end);
    }
    const lower = h[1]; // whose lowest byte is the digest's first
    return ((lower << 24) | ((lower & 0xff00) << 8) | ((lower >>> 8) & 0xff00) | (lower >>> 24)) >>> 0;
  }

  compress(h, block, bytes, last) {
    const { v, m } = this;
    const view = new DataView(block.buffer);
    for (let i = 0; i < 16; i++) {
      m[2 * i] = view.getUint32(8 * i + 4, true);
      m[2 * i + 1] = view.getUint32(8 * i, true);
    }
    v.set(h);
    v.set(START, 16);
    v[25] ^= bytes;
    if (last) {
      v[28] = ~v[28];
      v[29] = ~v[29];
    }
    for (let round = 0; round < 12; round++) {
      const order = ORDERS[round % 10];
      PLACES.forEach(([a, b, c, d], i) => this.mix(2 * a, 2 * b, 2 * c, 2 * d, 2 * order[2 * i], 2 * order[2 * i + 1]));
    }
    for (let i = 0; i < 16; i++) h[i] ^= v[i] ^ v[16 + i];
  }

  mix(a, b, c, d, x, y) {
    this.add(a, b, x);
    this.turn(d, a, 32);
    this.add(c, d, -1);
    this.turn(b, c, 24);
    this.add(a, b, y);
    this.turn(d, a, 16);
    this.add(c, d, -1);
    this.turn(b, c, 63);
  }

  /** v[a] += v[b] + m[x], where x is not -1. */
  add(a, b, x) {
    const { v, m } = this;
    const lower = v[a + 1] + v[b + 1] + (x < 0 ? 0 : m[x + 1]);
    v[a] = v[a] + v[b] + (x < 0 ? 0 : m[x]) + Math.floor(lower / 0x100000000);
    v[a + 1] = lower;
  }

  /** v[a] ^= v[b], turned right by so many bits. */
  turn(a, b, bits) {
    const { v } = this;
    let [high, low] = [v[a] ^ v[b], v[a + 1] ^ v[b + 1]];
    if (bits >= 32) [high, low] = [low, high];
    const by = bits % 32;
    v[a] = by ? (high >>> by) | (low << (32 - by)) : high;
    v[a + 1] = by ? (low >>> by) | (high << (32 - by)) : low;
  }
}
