const BITS = 15; // of a probability
const HALF = 1 << (BITS - 1);
const SLOWEST = 6;
const SHARES = 24;
const LENGTHS = 56;
const OF_LENGTHS = 2 * (SHARES + 1);
const OF_BITS = OF_LENGTHS + LENGTHS * LENGTHS;
const CONTEXTS = OF_BITS + LENGTHS;

/** Reads the yes and no of a range coder. */
class RangeDecoder {
  /** @param {Uint8Array} codes */
  constructor(codes) {
    this.codes = codes;
    this.at = 4;
    this.code = ((codes[0] << 24) | (codes[1] << 16) | (codes[2] << 8) | codes[3]) >>> 0;
    this.range = 0xffffffff;
    this.chances = new Int32Array(CONTEXTS).fill(HALF); // that the answer is no
    this.speeds = new Uint8Array(CONTEXTS).fill(1); // how fast they move
  }

  /** The next answer, by the probability of this number. */
  answer(context) {
    const [chance, speed] = [this.chances[context], this.speeds[context]];
    const bound = (this.range >>> BITS) * chance;
    const yes = this.code >= bound;
    if (yes) {
      this.code -= bound;
      this.range -= bound;
      this.chances[context] = chance - ((chance - 32) >> speed);
    } else {
      this.range = bound;
      this.chances[context] = chance + (((1 << BITS) - 32 - chance) >> speed);
    }
    if (speed < SLOWEST) this.speeds[context] = speed + 1;
    this.follow();
    return yes;
  }

  /** The next answer, of which nothing is known before. */
  plain() {
    this.range >>>= 1;
    const yes = this.code >= this.range;
    if (yes) this.code -= this.range;
    this.follow();
    return yes;
  }

  follow() {
    while (this.range < 1 << 24) {
      this.range = (this.range << 8) >>> 0;
      this.code = ((this.code << 8) | this.codes[this.at++]) >>> 0;
    }
  }
}

/**
 * The n-grams of a packed model; `page/ngrams.py` says how they are coded.
 * @param {{order: number, size: number, total: number, codes: number}} told
 * @param {(Float32Array | Uint8Array)[]} arrays
 * @param {number} vocabularySize
 * @returns {{order: number, parents: Int32Array, newest: Int32Array, counts: Float64Array, shorter: Int32Array}} of each
 * n-gram, from the first: the number of its beginning, which is all but its newest id; that id; how often it was seen;
 * and of each, the empty one first, the number of the one without its oldest id
 */
export function readNgrams(told, arrays, vocabularySize) {
  const { order, size, total } = told;
  const decoder = new RangeDecoder(arrays[told.codes]);
  const found = {
    order,
    parents: new Int32Array(size),
    newest: new Int32Array(size),
    counts: new Float64Array(size),
    shorter: new Int32Array(size + 1),
  };
  const left = new Float64Array(size + 1); // how often each is still to come as the end of a longer one
  const starts = new Int32Array(size + 2);
  let number = 0;
  const add = (context, id, count, shorter) => {
    found.parents[number] = context;
    found.newest[number] = id;
    found.counts[number] = count;
    left[++number] = count;
    found.shorter[number] = shorter;
  };
  for (let id = 0, rest = total; rest > 0; id++) {
    const count = readCount(decoder, rest, 1, vocabularySize - id, id + 1 === vocabularySize);
    if (count > 0) add(0, id, count, 0);
    rest -= count;
  }
  for (let context = 1, length = 1, end = number + 1; number < size; context++) {
    if (context === end) {
      length++;
      end = number + 1;
    }
    starts[context] = number;
    if (length === order || (context > 1 && found.newest[context - 1] === 0)) continue;
    const short = found.shorter[context];
    const until = short === 0 ? starts[1] : starts[short + 1];
    let whole = 0;
    for (let i = starts[short] + 1; i <= until; i++) whole += left[i];
    for (let rest = found.counts[context - 1], there = starts[short] + 1; rest > 0; there++) {
      const share = left[there];
      const count = readCount(decoder, rest, share, whole, there === until);
      if (count > 0) add(context, found.newest[there - 1], count, there);
      left[there] = share - count;
      whole -= share;
      rest -= count;
    }
  }
  return found;
}

/** How many of `rest` fall to an id, to which `share` of `whole` are left. */
function readCount(decoder, rest, share, whole, last) {
  if (last) return rest;
  if (!decoder.answer(2 * none(rest, share, whole) + (rest === 1 ? 1 : 0))) return 0;
  if (rest === 1) return 1;
  const guess = Math.min(LENGTHS - 1, bitsOf(Math.trunc((rest * share) / Math.max(whole, 1))));
  const most = bitsOf(rest);
  let bits = 1;
  while (bits < most && decoder.answer(OF_LENGTHS + guess * LENGTHS + bits)) bits++;
  let count = 1;
  for (let bit = bits - 2; bit >= 0; bit--) {
    const one = bit === bits - 2 ? decoder.answer(OF_BITS + bits) : decoder.plain();
    count = 2 * count + (one ? 1 : 0);
  }
  return count;
}

function bitsOf(count) {
  let bits = 0;
  for (let rest = Math.abs(count); rest >= 1; rest /= 2) bits++;
  return bits;
}

/** In which of some equal parts of 0 to 1 the probability lies that none of `rest` falls to an id. */
function none(rest, share, whole) {
  if (share <= 0) return SHARES;
  if (share > whole || rest > whole) return 0;
  let base = share < rest ? 1 - rest / whole : 1 - share / whole;
  let chance = 1;
  for (let times = Math.min(share, rest); times > 0; times = Math.floor(times / 2)) {
    if (times % 2) chance *= base;
    base *= base;
  }
  return Math.trunc(chance * SHARES);
}
