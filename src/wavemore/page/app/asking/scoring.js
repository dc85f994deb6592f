// How well strings fit, as Python's judging/likelihood.py and row_scores.py say it.

import { inNfc } from "./texts.js";

const STRINGS_AT_ONCE = 256; // strings of a portion
const NUMBERS_AT_ONCE = 1 << 20; // log-probabilities of a portion
const WORST = 3; // predictions that count for two thirds of the surprise

/**
 * The log-probability of each character and of the end, string after string.
 * @param {import("./contexts.js").Contexts} contexts
 * @param {Int32Array[]} rows the ids of each string, all known
 * @returns {Float64Array[]} for each string its length and one, nats
 */
function predictionsOf(contexts, rows) {
  const width = contexts.width;
  const out = rows.map((ids) => new Float64Array(ids.length + 1));
  const states = new Int32Array(rows.length).fill(contexts.start());
  let alive = rows.map((_, row) => row);
  for (let depth = 0; alive.length; depth++) {
    const said = contexts.logProbabilities(Int32Array.from(alive, (row) => states[row]));
    alive.forEach((row, place) => (out[row][depth] = said[place * width + (rows[row][depth] ?? 0)]));
    alive = alive.filter((row) => depth < rows[row].length);
    if (alive.length === 0) break;
    const after = contexts.step(
      Int32Array.from(alive, (row) => states[row]),
      Int32Array.from(alive, (row) => rows[row][depth]),
    );
    alive.forEach((row, place) => (states[row] = after[place]));
  }
  return out;
}

/**
 * The log-likelihood of each string and its most surprising prediction, nats. All characters are known.
 * @param {import("./models.js").Asked} asked
 * @param {string[]} strings
 * @returns {{logLikelihood: number, worst: number}[]}
 */
export function scoredUnder(asked, strings) {
  asked.contexts.tidy();
  const rows = strings.map((string) => asked.alphabet.encoded(string));
  return predictionsOf(asked.contexts, rows).map((nats) => ({
    logLikelihood: nats.reduce((sum, one) => sum + one, 0),
    worst: nats.reduce((worst, one) => Math.max(worst, -one), 0),
  }));
}

/**
 * How many of the held-out strings are less likely, in percent, interpolated.
 * @param {ArrayLike<number>} quantiles rising
 * @param {number} logLikelihood
 */
export function percentileAmong(quantiles, logLikelihood) {
  const score = Math.fround(logLikelihood); // as the quantiles are, so that equal ones stay equal
  const count = quantiles.length;
  const search = (isBefore) => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(quantiles[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const below = search((one) => one < score);
  if (below === count) return 100;
  const upto = search((one) => one <= score);
  const low = quantiles[Math.max(below - 1, 0)];
  const high = quantiles[below];
  const between = below === upto && low < score && score < high;
  const share = between ? Math.fround(Math.fround(score - low) / Math.fround(high - low)) - 1 : 0;
  return (100 * Math.max(below + share, 0)) / Math.max(1, count - 1);
}

/**
 * The geometric mean of the most surprising predictions (weight 2/3) and of all (weight 1/3), bits.
 * @param {number[]} bits
 */
function surpriseOf(bits) {
  const worst = [...bits].sort((a, b) => b - a).slice(0, WORST);
  const mean = (some) => some.reduce((sum, one) => sum + one, 0) / some.length;
  return Math.cbrt(mean(worst) ** 2 * mean(bits));
}

/**
 * A string's row. Of one with characters that the model does not know the probability is 0; what it says up to the
 * first of them is told.
 * @param {import("./models.js").Asked} asked
 * @param {string} string in NFC
 * @param {Int32Array} ids -1 for unknown characters
 * @param {Float64Array} nats of the known part
 */
function rowOf(asked, string, ids, nats) {
  const predictions = ids.length + 1;
  const first = ids.indexOf(-1);
  const bits = new Float32Array(predictions).fill(NaN);
  const known = first < 0 ? predictions : first;
  for (let place = 0; place < known; place++) bits[place] = -nats[place] / Math.LN2;
  if (first >= 0) bits[first] = Infinity;
  const unknown = first < 0 ? null : [...new Set([...string].filter((_, place) => ids[place] < 0))].join("");
  const logLikelihood = first < 0 ? nats.reduce((sum, one) => sum + one, 0) : -Infinity;
  return {
    string,
    logLikelihood,
    perCharacter: -logLikelihood / predictions,
    percentile: asked.heldOut ? percentileAmong(asked.heldOut, logLikelihood) : null,
    seen: asked.model.seen(string),
    surprise: first < 0 ? surpriseOf([...nats].map((one) => -one / Math.LN2)) : Infinity,
    unknown,
    bits,
  };
}

/**
 * A job that scores strings: each value is an answer with some rows, in order.
 * @param {import("./models.js").Asked} asked
 * @param {string[]} strings
 * @returns {Generator<object, void, void>}
 */
export function* scoring(asked, strings) {
  const { alphabet, contexts } = asked;
  const most = Math.max(1, Math.min(STRINGS_AT_ONCE, Math.floor(NUMBERS_AT_ONCE / alphabet.size)));
  for (let start = 0; start < strings.length; start += most) {
    contexts.tidy();
    const texts = strings.slice(start, start + most).map(inNfc);
    const ids = texts.map((text) => alphabet.encoded(text));
    const readable = ids.map((row) => (row.includes(-1) ? row.subarray(0, row.indexOf(-1)) : row));
    const nats = predictionsOf(contexts, readable);
    const rows = texts.map((text, place) => rowOf(asked, text, ids[place], nats[place]));
    yield { rows, done: start + most >= strings.length };
  }
  if (strings.length === 0) yield { rows: [], done: true };
}

/** What stands in answers for the end of a string. */
export const END = "end";

/**
 * What the model expected at each character and at the end; the first character that it does not know is the last row.
 * @param {import("./models.js").Asked} asked
 * @param {string} string
 * @param {number} [alternatives]
 */
export function explained(asked, string, alternatives = 5) {
  const { alphabet, contexts } = asked;
  contexts.tidy();
  const text = alphabet.knows(string) ? string : inNfc(string);
  const characters = [...text];
  const ids = alphabet.encoded(text);
  const name = (id) => (id === 0 ? END : alphabet.characters[id - 1]);
  const rows = [];
  let state = contexts.start();
  for (let place = 0; place <= ids.length; place++) {
    const said = contexts.logProbabilities(Int32Array.of(state)).slice(0, alphabet.size);
    const order = Array.from(said, (_, id) => id).sort((a, b) => said[b] - said[a] || a - b);
    const id = ids[place] ?? 0;
    const row = {
      character: place === ids.length ? END : characters[place],
      logProbability: id < 0 ? -Infinity : said[id],
      rank: id < 0 ? null : order.indexOf(id) + 1,
      expected: order.slice(0, alternatives).map((one) => ({ character: name(one), probability: Math.exp(said[one]) })),
    };
    rows.push(row);
    if (id <= 0) return { string: text, rows };
    state = contexts.step(Int32Array.of(state), Int32Array.of(id))[0];
  }
  return { string: text, rows };
}

/**
 * The tree of what stands before the end of a string, as far as the model knows its characters; ids become characters,
 * and the boundary an empty text.
 * @param {import("./models.js").Asked} asked
 * @param {string} string
 */
export function treeOf(asked, string) {
  const { alphabet, predictor } = asked;
  const text = alphabet.knows(string) ? string : inNfc(string);
  const ids = alphabet.encoded(text);
  const known = ids.includes(-1) ? ids.subarray(0, ids.indexOf(-1)) : ids;
  const { levels, logProbabilities, ...rest } = predictor.trace([...known]);
  const named = (some) => Array.from(some, (id) => (id === 0 ? "" : alphabet.characters[id - 1]));
  return {
    ...rest,
    string: text,
    unknown: known.length < ids.length ? [...text][known.length] : null,
    levels: levels.map((level) => ({
      ...level,
      nodes: level.nodes.map(({ ids: chunk, ...node }) => ({ ...node, characters: named(chunk) })),
    })),
    probabilities: Array.from(logProbabilities, (one, id) => ({
      character: id === 0 ? END : alphabet.characters[id - 1],
      probability: Math.exp(one),
    })),
  };
}
