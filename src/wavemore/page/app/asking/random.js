// Random numbers: xoshiro128** (Blackman and Vigna 2018), one stream for each string, so that a string depends on the
// seed and its own number alone. The streams of a batch lie in one array, four words each.

/**
 * A well mixed word from two (MurmurHash3's last steps, twice).
 * @param {number} word
 * @param {number} with_
 */
function mixedWord(word, with_) {
  let mixed = (word ^ Math.imul(with_, 0x9e3779b1)) >>> 0;
  for (let round = 0; round < 2; round++) {
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed = (mixed ^ (mixed >>> 16)) >>> 0;
    mixed = (mixed + Math.imul(with_ + round, 0x6a09e667)) >>> 0;
  }
  return mixed;
}

/**
 * A random seed.
 * @returns {number} a whole number below 2 ** 53
 */
export function freshSeed() {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (words[0] & 0x1fffff) * 0x100000000 + words[1];
}

/** Streams of random numbers. */
export class Streams {
  /**
   * @param {number} seed a whole number from 0 to 2 ** 53 - 1
   * @param {number} purpose tells apart streams that share a seed
   */
  constructor(seed, purpose) {
    this.low = seed >>> 0;
    this.high = mixedWord(Math.floor(seed / 0x100000000), purpose + 1);
    this.words = new Uint32Array(0);
  }

  /**
   * Begin the streams of these strings anew; stream k is that of string `first` + k.
   * @param {number} first
   * @param {number} count
   */
  begin(first, count) {
    if (this.words.length < 4 * count) this.words = new Uint32Array(4 * count);
    for (let stream = 0; stream < count; stream++) {
      const number = first + stream;
      const low = mixedWord(this.low, number >>> 0);
      const high = mixedWord(this.high, Math.floor(number / 0x100000000) ^ low);
      for (let word = 0; word < 4; word++) {
        this.words[4 * stream + word] = mixedWord(word & 1 ? mixedWord(low, high) : mixedWord(high, low), 0x1f123bb5 * (word + 1));
      }
      this.words[4 * stream] |= 1; // never all zero
    }
  }

  /**
   * The next word of a stream.
   * @param {number} stream
   */
  word(stream) {
    const words = this.words;
    const at = 4 * stream;
    const second = words[at + 1];
    const turned = Math.imul(second, 5);
    const out = Math.imul((turned << 7) | (turned >>> 25), 9) >>> 0;
    words[at + 2] ^= words[at];
    words[at + 3] ^= second;
    words[at + 1] ^= words[at + 2];
    words[at] ^= words[at + 3];
    words[at + 2] ^= second << 9;
    const last = words[at + 3];
    words[at + 3] = (last << 11) | (last >>> 21);
    return out;
  }

  /**
   * The next number of a stream: 0 or above and below 1, 53 bits.
   * @param {number} stream
   */
  next(stream) {
    const high = this.word(stream) >>> 5;
    return (high * 0x4000000 + (this.word(stream) >>> 6)) / 0x20000000000000;
  }
}
