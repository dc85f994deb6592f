// Strings drawn with a guide towards a condition and kept with the right probability, as Python's sampling/guided.py.
//
// At each character the model's probability p(c) is multiplied by what is ahead, q(c) = p(c) h(after c) / Z. A string's
// weight is the ratio of its probabilities under the model and under the guide, Z_1 (Z_2 / h_2) (Z_3 / h_3) ... One of
// weight w is kept with probability w / M: if no weight is above M, kept strings are distributed as the model's own
// that meet the condition, whatever the guide. M is chosen from some thousand strings so that weights above it have a
// thousandth of the total; how much is above it is measured again on others, and a guide with a hundredth is not used.

import { pickFrom } from "./contexts.js";
import { AsTheyCome, DrawnFrom } from "./drawing.js";
import { LookAhead } from "./lookahead.js";
import { Streams } from "./random.js";

const [GUIDING, MEASURING] = [3, 4]; // tell random numbers from others of the same seed
const LOOKED_AT = 4096; // plain strings from which a look ahead is made
const [MEASURED, MOST_MEASURED] = [4096, 16384]; // guided strings of one round; as many as take about so many steps
const STEPS_MEASURED = 60000;
const [MOST_GUIDED_AT_ONCE, STEPS_AT_ONCE] = [512, 1 << 16]; // strings, and characters that these take at least
const CLIPPED_AT_MOST = 0.001; // the share of the weights above the bound, when it is chosen
const SOUND_CLIPPED = 0.01; // the share, as measured again, with which a guide may be used
const SOUND_EFFECTIVE = 100; // the effective number of strings below which a bound means nothing
const GOOD = 0.1; // the share of kept strings at which a guide learns no more
const MAY_FALL = 4; // nats: a string whose weight has fallen by more than this is mostly given up

/** A guide that is made and measured, and then a source of strings. */
export class Guided {
  /** @param {import("./pruning.js").Pruning} pruning whose strings take too long */
  constructor(pruning) {
    this.from = pruning.from;
    this.automaton = pruning.automaton;
    this.state = pruning.state;
    this.passing = pruning.passing;
    this.streams = new Streams(this.from.seed, GUIDING);
    const fitting = Math.floor(STEPS_AT_ONCE / Math.max(1, this.automaton.distance[0]));
    /** How many strings are drawn side by side. */
    this.atOnce = Math.max(1, Math.min(MOST_GUIDED_AT_ONCE, fitting));
    this.done = 0;
    this.ahead = null;
    this.rounds = 0;
    this.logBound = 0;
    this.chance = 0;
    this.chanceError = 0;
    /** The share of strings that will be kept, and the characters that each takes. */
    this.kept = 0;
    this.stepsEach = 1;
    this.clipped = NaN;
    this.sound = false;
  }

  /** The share of the model's strings that meet the conditions. */
  get share() {
    return this.from.begun * this.chance;
  }

  /** The standard error of the share. */
  get shareError() {
    return this.from.begun * this.chanceError;
  }

  get exhausted() {
    return false;
  }

  /** Whether another round would be of use. */
  get learns() {
    return this.kept < GOOD;
  }

  /**
   * Make the guide, or let it learn once more, and measure it; yields between portions of the work.
   * @returns {Generator<void, void, void>}
   */
  *round() {
    if (this.ahead === null) yield* this.look();
    const measuring = new Streams(0, MEASURING + this.rounds++);
    /** @type {number[]} */
    const logWeights = [];
    const visits = [];
    let steps = 0;
    for (let done = 0; done < MEASURED || (steps < STEPS_MEASURED && done < MOST_MEASURED); done += this.atOnce) {
      const drawn = this.draw(measuring, done, this.atOnce, visits);
      logWeights.push(...drawn.logWeights);
      steps += drawn.steps;
      yield;
    }
    this.stepsEach = steps / logWeights.length;
    this.measure(logWeights);
    this.visits = visits;
  }

  /** Let the guide learn from the strings that it was measured by. */
  learn() {
    this.ahead.learn(this.visits);
  }

  /** A look ahead from plain strings. */
  *look() {
    const { contexts, alphabet, shaped, prefix, longest } = this.from;
    const plain = new AsTheyCome(new DrawnFrom(contexts, alphabet, shaped.temperature, prefix, longest, 0));
    const samples = [];
    while (samples.length < LOOKED_AT) {
      samples.push(...plain.portion(MOST_GUIDED_AT_ONCE).strings.map((string) => [...alphabet.encoded(string)]));
      yield;
    }
    this.ahead = new LookAhead(this.automaton, samples);
    yield* this.ahead.substitute();
  }

  /**
   * Guided strings.
   * @param {Streams} streams
   * @param {number} first
   * @param {number} count
   * @param {object[] | null} visits where they were, and how it turned out, is added to this
   */
  draw(streams, first, count, visits) {
    const { from, automaton, ahead } = this;
    const { contexts, shaped, prefix, longest } = from;
    shaped.tidy();
    streams.begin(first, count);
    const rows = from.rows(count);
    const states = new Int32Array(count).fill(this.state);
    const codes = new Float64Array(count).fill(prefix.reduce((code, id) => ahead.next(code, id), 0));
    const logWeights = new Float64Array(count);
    const promised = new Float64Array(count); // log h of where each is
    const met = [];
    const ended = [];
    let steps = 0;
    let lightest = -Infinity;
    for (let depth = prefix.length; depth <= longest && rows.alive.length; depth++) {
      rows.columns.push(new Int32Array(count));
      const { alive } = rows;
      steps += alive.length;
      if (depth > prefix.length) shaped.ready(rows.standing(), alive.length);
      const known = new Map();
      const goingOn = new Int32Array(alive.length);
      let going = 0;
      for (const row of alive) {
        if (visits) met.push({ row, code: codes[row], state: states[row], log: promised[row] - logWeights[row] });
        const key = `${rows.states[row]} ${states[row]} ${codes[row]}`;
        let place = known.get(key);
        if (place === undefined) {
          place = this.placeOf(rows.states[row], states[row], codes[row], depth);
          known.set(key, place);
        }
        const total = place.sums[contexts.width - 1];
        if (!(total > 0)) {
          logWeights[row] = -Infinity; // the model leaves nothing that the condition allows
          continue;
        }
        logWeights[row] += Math.log(total) - promised[row];
        if (lightest === -Infinity) lightest = logWeights[row] - MAY_FALL; // all begin with the same weight
        if (logWeights[row] < lightest) {
          // One of weight w below the lightest, W, goes on with probability w / W and has the weight W then, so that on
          // average nothing changes (Russian roulette).
          const goesOn = Math.log(streams.next(row)) < logWeights[row] - lightest;
          logWeights[row] = goesOn ? lightest : -Infinity;
          if (!goesOn) continue;
        }
        const id = pickFrom(place.sums, 0, contexts.width, streams.next(row));
        rows.put(row, id, place.raw[place.at + id]);
        if (id === 0) {
          ended.push(row);
          continue;
        }
        promised[row] = Math.log(place.heights[id]);
        states[row] = automaton.transitions[states[row] * contexts.width + id];
        codes[row] = ahead.next(codes[row], id);
        goingOn[going++] = row;
      }
      rows.step(contexts, goingOn.subarray(0, going));
    }
    for (const { row, code, state, log } of met) {
      visits.push({ code, state, turnedOut: Math.exp(log + logWeights[row]) });
    }
    return { rows, logWeights, ended: ended.sort((a, b) => a - b), steps };
  }

  /**
   * What may follow at a place: running sums of the model's chances times what is ahead.
   * @param {number} context the model's state
   * @param {number} state
   * @param {number} code
   * @param {number} depth
   */
  placeOf(context, state, code, depth) {
    const { from, automaton, ahead } = this;
    const { width } = from.contexts;
    const first = depth === from.prefix.length;
    const sums = first ? from.firstSums : from.shaped.sums;
    const raw = first ? from.first : from.shaped.raw;
    const at = first ? 0 : from.shaped.rowOf[context] * width;
    const total = sums[at + width - 1];
    const heights = new Float64Array(width);
    const weighed = new Float64Array(width);
    let sum = 0;
    for (let id = 0; id < width; id++) {
      const chance = (sums[at + id] - (id ? sums[at + id - 1] : 0)) / total;
      if (id === 0) heights[0] = automaton.accepting[state] && depth > 0 ? 1 : 0;
      else {
        const after = automaton.transitions[state * width + id];
        const open = after >= 0 && automaton.distance[after] < from.longest - depth;
        heights[id] = open ? ahead.after(ahead.next(code, id), after) : 0;
      }
      sum += chance * heights[id];
      weighed[id] = sum;
    }
    return { sums: weighed, heights, raw, at };
  }

  /**
   * Bound and chance from the weights of guided strings.
   * @param {number[]} logWeights
   */
  measure(logWeights) {
    this.sound = false;
    const highest = logWeights.reduce((most, one) => Math.max(most, one), -Infinity);
    if (highest === -Infinity) return;
    const weights = logWeights.map((one) => Math.exp(one - highest));
    const total = weights.reduce((sum, one) => sum + one, 0);
    const half = weights.length >> 1;
    const bound = boundOf(weights.slice(0, half));
    this.clipped = shareAbove(weights.slice(half), bound);
    this.logBound = Math.log(bound) + highest;
    const mean = total / weights.length;
    const variance = weights.reduce((sum, one) => sum + (one - mean) ** 2, 0) / weights.length;
    this.chance = mean * Math.exp(highest);
    this.chanceError = Math.sqrt(variance / weights.length) * Math.exp(highest);
    this.kept = weights.reduce((sum, one) => sum + Math.min(1, one / bound), 0) / weights.length;
    const effective = total ** 2 / weights.reduce((sum, one) => sum + one * one, 0);
    this.sound = effective >= SOUND_EFFECTIVE && this.clipped <= SOUND_CLIPPED;
  }

  /**
   * The next strings that are kept, of so many guided ones at most.
   * @param {number} count
   * @returns {import("./drawing.js").Portion}
   */
  portion(count) {
    const size = Math.min(count, this.atOnce);
    const { rows, logWeights, ended, steps } = this.draw(this.streams, this.done, size, null);
    this.done += size;
    const found = { strings: [], logLikelihoods: [], worst: [], tried: size, steps };
    for (const row of ended) {
      if (Math.log(this.streams.next(row)) >= logWeights[row] - this.logBound) continue;
      const string = rows.string(this.from.alphabet, this.from.beginning, row);
      if (!this.passing.takes(string)) continue;
      found.strings.push(string);
      found.logLikelihoods.push(rows.logLikelihoods[row]);
      found.worst.push(rows.worst[row]);
    }
    return found;
  }
}

/**
 * The lowest bound that leaves no more than a thousandth of the total weight above it.
 * @param {number[]} weights
 */
function boundOf(weights) {
  const falling = [...weights].sort((a, b) => b - a);
  const allowed = CLIPPED_AT_MOST * falling.reduce((sum, one) => sum + one, 0);
  let sum = 0;
  let bound = falling[0];
  for (let place = 0; place < falling.length; place++) {
    sum += falling[place];
    if (sum - falling[place] * (place + 1) > allowed) break;
    bound = falling[place];
  }
  return Math.max(bound, Number.MIN_VALUE);
}

/**
 * The share of the weights above a bound.
 * @param {number[]} weights
 * @param {number} bound
 */
function shareAbove(weights, bound) {
  const total = weights.reduce((sum, one) => sum + one, 0);
  return weights.reduce((sum, one) => sum + Math.max(one - bound, 0), 0) / Math.max(total, Number.MIN_VALUE);
}
