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
    const chance = this.chances[context];
    const speed = this.speeds[context];
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
 * @returns {{order: number, parents: Int32Array, newest: Int32Array, counts: Float64Array, shorter: Int32Array,
 *   preceding: Int32Array, starts: Int32Array, ends: number[]}} of each n-gram, from the first: the number of its
 *   beginning, which is all but its newest id; that id; how often it was seen. Of each, the empty one first: the number
 *   of the one without its oldest id; how many different ids were seen before it; how many n-grams stand before those
 *   that it begins. Those of length k are numbered from ends[k - 1] up to ends[k].
 */
export function readNgrams(told, arrays, vocabularySize) {
  const { order, size, total } = told;
  const decoder = new RangeDecoder(arrays[told.codes]);
  const [parents, newest] = [new Int32Array(size), new Int32Array(size)];
  const [counts, shorter, preceding] = [new Float64Array(size), new Int32Array(size + 1), new Int32Array(size + 1)];
  const starts = new Int32Array(size + 2).fill(size, 1);
  const left = new Float64Array(size + 1); // how often each is still to come as the end of a longer one
  const wholes = new Float64Array(size + 1); // of each the sum of what is left of those that it begins
  wholes[0] = total;
  let number = 0;
  for (let id = 0, rest = total; rest > 0; id++) {
    const count = readCount(decoder, rest, 1, vocabularySize - id, id + 1 === vocabularySize);
    if (count > 0) {
      newest[number] = id;
      counts[number] = count;
      number++;
      left[number] = wholes[number] = count;
    }
    rest -= count;
  }
  const ends = [1, number + 1];
  for (let context = 1; number < size; context++) {
    if (context === ends[ends.length - 1]) ends.push(number + 1);
    starts[context] = number;
    if (context > 1 && newest[context - 1] === 0) continue; // its string has ended
    const short = shorter[context];
    const until = starts[short + 1];
    let whole = wholes[short];
    let rest = counts[context - 1];
    wholes[short] -= rest;
    for (let there = starts[short] + 1; rest > 0; there++) {
      const share = left[there];
      const count = readCount(decoder, rest, share, whole, there === until);
      if (count > 0) {
        parents[number] = context;
        newest[number] = newest[there - 1];
        counts[number] = count;
        number++;
        left[number] = wholes[number] = count;
        shorter[number] = there;
        preceding[there]++;
        left[there] = share - count;
      }
      whole -= share;
      rest -= count;
    }
  }
  if (ends[ends.length - 1] <= size) ends.push(size + 1);
  return { order, parents, newest, counts, shorter, preceding, starts, ends };
}

/**
 * The same by WebAssembly, whose first steps are as fast as all others; `counter.wat` says how.
 * @param {Uint8Array} counter the module's bytes
 * @param {{order: number, size: number, total: number, codes: number}} told
 * @param {(Float32Array | Uint8Array)[]} arrays
 * @param {number} vocabularySize
 * @returns {ReturnType<typeof readNgrams>}
 */
export function readNgramsFast(counter, told, arrays, vocabularySize) {
  const { order, size, total } = told;
  const codes = arrays[told.codes];
  const [wide, whole] = [Float64Array, Int32Array];
  const room = { counts: [wide, size], left: [wide, size + 1], wholes: [wide, size + 1], parents: [whole, size] };
  Object.assign(room, { newest: [whole, size], shorter: [whole, size + 1], preceding: [whole, size + 1] });
  Object.assign(room, { starts: [whole, size + 2], chances: [whole, 2 * CONTEXTS], ends: [whole, order + 2] });
  Object.assign(room, { codes: [Uint8Array, codes.length + 4] });
  const at = {};
  let end = 8; // nothing lies at 0
  for (const [name, [kind, length]] of Object.entries(room)) {
    at[name] = end;
    end += length * kind.BYTES_PER_ELEMENT;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) });
  const view = Object.fromEntries(
    Object.entries(room).map(([name, [kind, length]]) => [name, new kind(memory.buffer, at[name], length)]),
  );
  view.codes.set(codes);
  view.starts.fill(size, 1);
  view.chances.fill(1);
  for (let i = 0; i < CONTEXTS; i++) view.chances[2 * i] = HALF;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(counter), { page: { memory } });
  const into = [at.parents, at.newest, at.counts, at.shorter, at.preceding, at.starts, at.left, at.wholes];
  const found = exports.ngrams(at.codes, size, total, vocabularySize, ...into, at.chances, at.ends);
  const { parents, newest, counts, shorter, preceding, starts, ends } = view;
  return { order, parents, newest, counts, shorter, preceding, starts, ends: [...ends.subarray(0, found)] };
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
  let [rest, bits] = [Math.abs(count), 32];
  for (; rest >= 4294967296; rest = Math.floor(rest / 2)) bits++;
  return bits - Math.clz32(rest);
}

/** In which of some equal parts of 0 to 1 the probability lies that none of `rest` falls to an id. */
function none(rest, share, whole) {
  if (share <= 0) return SHARES;
  if (share > whole || rest > whole) return 0;
  if (rest === 1) return Math.trunc((1 - share / whole) * SHARES);
  let base = share < rest ? 1 - rest / whole : 1 - share / whole;
  let chance = 1;
  for (let times = Math.min(share, rest); times > 0; ) {
    const half = Math.floor(times / 2); // a remainder by % would take many times as long
    if (times > 2 * half) chance *= base;
    base *= base;
    times = half;
  }
  return Math.trunc(chance * SHARES);
}
