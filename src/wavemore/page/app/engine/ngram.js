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
    const adjusted = adjustedOf(this.shorter, counts);
    const discounts = new Float64Array(counts.length);
    for (let length = 1; length < this.ends.length; length++) {
      const [from, to] = [this.ends[length - 1] - 1, this.ends[length] - 1];
      discount(adjusted.subarray(from, to), discounts.subarray(from, to));
    }
    const totals = sumsOf(parents, adjusted);
    this.left = sumsOf(parents, discounts);
    for (let i = 0; i < totals.length; i++) this.left[i] = totals[i] > 0 ? this.left[i] / totals[i] : 1;
    this.own = adjusted;
    for (let i = 0; i < counts.length; i++) this.own[i] = (adjusted[i] - discounts[i]) / totals[parents[i]];
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

/** How many different ids were seen before each n-gram; where none can be, how often it was seen. */
function adjustedOf(shorter, counts) {
  const preceding = new Float64Array(counts.length + 1);
  for (let number = 1; number < shorter.length; number++) preceding[shorter[number]]++;
  const found = new Float64Array(counts.length);
  for (let i = 0; i < found.length; i++) found[i] = preceding[i + 1] || counts[i];
  return found;
}

/** Of each n-gram, the empty one first, the sum over those that it begins. */
function sumsOf(parents, numbers) {
  const found = new Float64Array(parents.length + 1);
  for (let i = 0; i < parents.length; i++) found[parents[i]] += numbers[i];
  return found;
}

/** Write what is subtracted from the counts of one length. */
function discount(adjusted, discounts) {
  const times = new Int32Array(5);
  for (let i = 0; i < adjusted.length; i++) if (adjusted[i] <= 4) times[adjusted[i]]++;
  const single = times[1] ? times[1] / (times[1] + 2 * times[2]) : 0;
  const of = Float64Array.of(0, 1, 2, 3).map((count) => {
    const estimate = times[count] ? count - ((count + 1) * single * times[count + 1]) / times[count] : 0;
    return estimate > 0 && estimate < count ? estimate : 0.5 * count;
  });
  for (let i = 0; i < adjusted.length; i++) discounts[i] = of[adjusted[i] < 3 ? adjusted[i] : 3];
}
