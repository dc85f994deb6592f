import { Answers } from "./tables.js";

/**
 * An n-gram model with interpolated, modified Kneser-Ney smoothing; `predict/ngram.py` says what it computes. N-grams are
 * numbered by length and then in order, from 1; 0 is the one without characters.
 */
export class Counts {
  /**
   * @param {number} size how many ids there are, V
   * @param {{order: number, parents: Int32Array, newest: Int32Array, counts: Float64Array, shorter: Int32Array}} told as
   * `readNgrams` gives it
   */
  constructor(size, told) {
    this.size = size;
    const { order, parents, newest, counts, shorter } = told;
    this.newest = newest;
    this.ends = endsOf(parents);
    this.contexts = this.ends[Math.min(order, this.ends.length) - 1];
    this.starts = startsOf(parents);
    this.shorter = shorter;
    this.weigh(parents, counts);
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

  /** What each n-gram has of its context's probability, and what each context leaves to the shorter one. */
  weigh(parents, counts) {
    const size = counts.length;
    const preceding = new Float64Array(size + 1);
    for (let number = 1; number <= size; number++) preceding[this.shorter[number]]++;
    const adjusted = new Float64Array(size);
    for (let i = 0; i < size; i++) adjusted[i] = preceding[i + 1] || counts[i];
    const discounts = new Float64Array(size);
    for (let length = 1; length < this.ends.length; length++) {
      const [from, to] = [this.ends[length - 1] - 1, this.ends[length] - 1];
      const of = discountsOf(adjusted.subarray(from, to));
      for (let i = from; i < to; i++) discounts[i] = of[Math.min(adjusted[i], 3) - 1];
    }
    const totals = new Float64Array(size + 1);
    const left = new Float64Array(size + 1);
    for (let i = 0; i < size; i++) {
      totals[parents[i]] += adjusted[i];
      left[parents[i]] += discounts[i];
    }
    this.left = new Float64Array(size + 1);
    for (let i = 0; i <= size; i++) this.left[i] = totals[i] > 0 ? left[i] / totals[i] : 1;
    this.own = new Float64Array(size);
    for (let i = 0; i < size; i++) this.own[i] = (adjusted[i] - discounts[i]) / totals[parents[i]];
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

/** What an n-gram model says. A state stands for the longest known n-gram, shorter than the order, before a character. */
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

  draw(states, uniforms) {
    this.rows();
    return this.answers.drawn(states, uniforms);
  }
}

/** The n-grams of length k are those from ends[k - 1] up to ends[k]. */
function endsOf(parents) {
  const ends = [1];
  let at = 0;
  while (at < parents.length) {
    const end = ends[ends.length - 1];
    while (at < parents.length && parents[at] < end) at++;
    ends.push(at + 1);
  }
  return ends;
}

/** Where the n-grams stand that each one begins, the empty one first. */
function startsOf(parents) {
  const starts = new Int32Array(parents.length + 2);
  for (let i = 0; i < parents.length; i++) starts[parents[i] + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  return starts;
}

/** What is subtracted from counts of 1, of 2, and of more, of the n-grams of one length. */
function discountsOf(adjusted) {
  const times = [0, 0, 0, 0, 0];
  for (let i = 0; i < adjusted.length; i++) if (adjusted[i] <= 4) times[adjusted[i]]++;
  const single = times[1] ? times[1] / (times[1] + 2 * times[2]) : 0;
  return [1, 2, 3].map((count) => {
    const estimate = times[count] ? count - ((count + 1) * single * times[count + 1]) / times[count] : 0;
    return estimate > 0 && estimate < count ? estimate : 0.5 * count;
  });
}
