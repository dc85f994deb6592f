import { Answers } from "./tables.js";

/**
 * An n-gram model with interpolated, modified Kneser-Ney smoothing; `predict/ngram.py` says what it computes. N-grams
 * are numbered by length and then in order, from 1; 0 is the one without characters.
 */
export class Counts {
  /**
   * @param {number} size how many ids there are, V
   * @param {ReturnType<typeof import("./counted.js").readNgrams>} told
   */
  constructor(size, told) {
    this.size = size;
    const { order, newest, counts, shorter, preceding, starts, ends } = told;
    this.newest = newest;
    /** How many n-grams, the empty one too, are shorter than the order. */
    this.contexts = ends[Math.min(order, ends.length) - 1];
    this.starts = starts;
    this.shorter = shorter;
    /** What each n-gram has of its context's probability. */
    this.own = new Float64Array(counts.length);
    /** What each context leaves to the shorter one. */
    this.left = new Float64Array(counts.length + 1).fill(1);
    this.weigh(ends, counts, preceding);
  }

  /** The n-gram of a context and the id after it; 0 where it was never seen. */
  found(context, id) {
    const { newest, starts } = this;
    let [low, high] = [starts[context], starts[context + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (newest[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low < starts[context + 1] && newest[low] === id ? low + 1 : 0;
  }

  /** The longest known n-gram, shorter than the order, that a context and then this id ends in. */
  longest(context, id) {
    for (let shorter = context; ; shorter = this.shorter[shorter]) {
      const found = this.found(shorter, id);
      if (found > 0 && found < this.contexts) return found;
      if (shorter === 0) return 0;
    }
  }

  /** Write `own` and `left`. */
  weigh(ends, counts, preceding) {
    const { own, left, starts } = this;
    const adjusted = new Float64Array(counts.length);
    for (let length = 1, context = 0; length < ends.length; length++) {
      const discounts = discountsOf(counts, preceding, adjusted, ends[length - 1] - 1, ends[length] - 1);
      for (; context < ends[length - 1]; context++) {
        const [from, to] = [starts[context], starts[context + 1]];
        let [total, discounted] = [0, 0];
        for (let i = from; i < to; i++) {
          const discount = discounts[adjusted[i] < 3 ? adjusted[i] : 3];
          total += adjusted[i];
          discounted += discount;
          own[i] = adjusted[i] - discount;
        }
        for (let i = from; i < to; i++) own[i] /= total;
        if (to > from) left[context] = discounted / total;
      }
    }
  }

  /** The probabilities of what follows an n-gram. */
  follow(context, chances) {
    if (context === 0) chances.fill(1 / this.size);
    else this.follow(this.shorter[context], chances);
    const left = this.left[context];
    for (let id = 0; id < this.size; id++) chances[id] *= left;
    for (let i = this.starts[context]; i < this.starts[context + 1]; i++) chances[this.newest[i]] += this.own[i];
  }
}

/** What an n-gram model says. A state is the longest known n-gram, shorter than the order, before a character. */
export class Ngram {
  /** @param {Counts} counts */
  constructor(counts) {
    this.counts = counts;
    this.size = counts.size;
    this.answers = new Answers(this.size, (from, to, rows) => this.compute(from, to, rows));
    this.states = new Int32Array(counts.contexts); // of each n-gram 1 + its state
    this.forget();
  }

  get kept() {
    return this.answers.bytes;
  }

  forget() {
    this.states.fill(0);
    this.reached = []; // of each state its n-gram
    this.answers.drop();
  }

  start() {
    return this.state(this.counts.longest(0, 0));
  }

  step(states, ids) {
    return states.map((state, i) => this.state(this.counts.longest(this.reached[state], ids[i])));
  }

  state(context) {
    if (this.states[context] === 0) this.states[context] = this.reached.push(context);
    return this.states[context] - 1;
  }

  compute(from, to, rows) {
    const chances = new Float64Array(this.size);
    for (let state = from; state < to; state++) {
      this.counts.follow(this.reached[state], chances);
      for (let id = 0; id < this.size; id++) rows[state * this.size + id] = Math.log(chances[id]);
    }
  }

  rows() {
    return this.answers.upTo(this.reached.length);
  }

  logProbabilities(states) {
    this.rows();
    return this.answers.of(states);
  }
}

/**
 * What is subtracted from the counts of the n-grams from one number up to another, all of one length: from 0, 1, 2, and
 * from 3 and more. Writes these counts: how many different ids were seen before each; where none can be, how often it was
 * seen.
 */
function discountsOf(counts, preceding, adjusted, from, to) {
  const times = new Int32Array(5);
  for (let i = from; i < to; i++) {
    const count = preceding[i + 1] || counts[i];
    adjusted[i] = count;
    if (count <= 4) times[count]++;
  }
  const single = times[1] ? times[1] / (times[1] + 2 * times[2]) : 0;
  return Float64Array.of(0, 1, 2, 3).map((count) => {
    const estimate = times[count] ? count - ((count + 1) * single * times[count + 1]) / times[count] : 0;
    return estimate > 0 && estimate < count ? estimate : 0.5 * count;
  });
}
