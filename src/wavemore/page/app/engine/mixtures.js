import { Answers, Following, Numbering, withRoom } from "./tables.js";

/**
 * A network and an n-gram model as one: of each character the weighted mean of the two probabilities. A state is a
 * distinct pair of their states.
 */
export class Mixture {
  /**
   * @param {object} network a predictor
   * @param {import("./ngram.js").Ngram} ngram
   * @param {number} weight of the n-gram model, from 0 to 1
   */
  constructor(network, ngram, weight) {
    this.network = network;
    this.ngram = ngram;
    this.weight = weight;
    this.size = ngram.size;
    this.pairs = new Numbering(2);
    this.pair = new Int32Array(2);
    this.following = new Following(this.size);
    this.answers = new Answers(this.size, (from, to, rows) => this.compute(from, to, rows));
  }

  get kept() {
    const own = this.pairs.bytes + this.following.bytes + this.answers.bytes;
    return own + this.network.kept + this.ngram.kept;
  }

  forget() {
    this.network.forget();
    this.ngram.forget();
    this.pairs.drop();
    this.following.drop();
    this.answers.drop();
  }

  start() {
    return this.state(this.network.start(), this.ngram.start());
  }

  state(network, ngram) {
    this.pair[0] = network;
    this.pair[1] = ngram;
    return this.pairs.number(this.pair);
  }

  step(states, ids) {
    const found = new Int32Array(states.length);
    const missing = [];
    for (let i = 0; i < states.length; i++) {
      found[i] = this.following.get(states[i], ids[i]);
      if (found[i] < 0) missing.push(i);
    }
    if (!missing.length) return found;
    const { keys } = this.pairs;
    const some = Int32Array.from(missing, (i) => ids[i]);
    const networks = this.network.step(Int32Array.from(missing, (i) => keys[2 * states[i]]), some);
    const ngrams = this.ngram.step(Int32Array.from(missing, (i) => keys[2 * states[i] + 1]), some);
    missing.forEach((place, i) => {
      found[place] = this.state(networks[i], ngrams[i]);
      this.following.set(states[place], ids[place], found[place]);
    });
    return found;
  }

  compute(from, to, rows) {
    const { size, weight } = this;
    const [networks, ngrams, { keys }] = [this.network.rows(), this.ngram.rows(), this.pairs];
    const [one, other] = [Math.log1p(-weight), Math.log(weight)];
    for (let state = from; state < to; state++) {
      const [network, ngram] = [keys[2 * state] * size, keys[2 * state + 1] * size];
      for (let id = 0; id < size; id++) {
        const [a, b] = [networks[network + id] + one, ngrams[ngram + id] + other];
        rows[state * size + id] = Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
      }
    }
  }

  rows() {
    return this.answers.upTo(this.pairs.count);
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

/**
 * The mixture of a network's labels, each as probable as on the list. What follows depends on the whole beginning, so a
 * state is a distinct beginning.
 */
export class AnyLabel {
  /**
   * @param {object[]} predictors of each label
   * @param {number[]} shares of each label; above 0, with the sum 1
   */
  constructor(predictors, shares) {
    this.predictors = predictors;
    this.shares = shares;
    this.size = predictors[0].size;
    this.following = new Following(this.size);
    this.answers = new Answers(this.size, (from, to, rows) => this.compute(from, to, rows));
    this.forget();
  }

  get kept() {
    const own = this.following.bytes + this.answers.bytes + 4 * this.states.length + 8 * this.joint.length;
    return own + this.predictors[0].kept; // all are of one network
  }

  forget() {
    for (const predictor of this.predictors) predictor.forget();
    this.count = 0;
    this.states = new Int32Array(0); // of each beginning its state under each label
    this.joint = new Float64Array(0); // the log of the probability of each label and the beginning, up to a constant
    this.following.drop();
    this.answers.drop();
  }

  start() {
    if (this.count === 0) {
      this.add();
      this.predictors.forEach((predictor, k) => {
        this.states[k] = predictor.start();
        this.joint[k] = Math.log(this.shares[k]);
      });
    }
    return 0;
  }

  add() {
    const labels = this.predictors.length;
    this.count++;
    this.states = withRoom(this.states, this.count * labels);
    this.joint = withRoom(this.joint, this.count * labels);
    return this.count - 1;
  }

  step(states, ids) {
    const found = new Int32Array(states.length);
    const [fresh, parents, some] = [[], [], []];
    for (let i = 0; i < states.length; i++) {
      found[i] = this.following.get(states[i], ids[i]);
      if (found[i] >= 0) continue;
      found[i] = this.add();
      this.following.set(states[i], ids[i], found[i]);
      fresh.push(found[i]);
      parents.push(states[i]);
      some.push(ids[i]);
    }
    if (fresh.length) this.read(fresh, parents, Int32Array.from(some));
    return found;
  }

  /** What is known of beginnings, from what each label said of their last character. */
  read(found, parents, ids) {
    const labels = this.predictors.length;
    this.predictors.forEach((predictor, k) => {
      const before = Int32Array.from(parents, (parent) => this.states[parent * labels + k]);
      const rows = predictor.rows();
      const after = predictor.step(before, ids);
      found.forEach((beginning, i) => {
        this.states[beginning * labels + k] = after[i];
        this.joint[beginning * labels + k] = this.joint[parents[i] * labels + k] + rows[before[i] * this.size + ids[i]];
      });
    });
  }

  compute(from, to, rows) {
    const labels = this.predictors.length;
    const parts = this.predictors.map((predictor) => predictor.rows());
    const shares = new Float64Array(labels);
    for (let state = from; state < to; state++) {
      const at = state * labels;
      const total = logSum(labels, (k) => this.joint[at + k]);
      for (let k = 0; k < labels; k++) shares[k] = this.joint[at + k] - total;
      for (let id = 0; id < this.size; id++) {
        const said = (k) => shares[k] + parts[k][this.states[at + k] * this.size + id];
        rows[state * this.size + id] = logSum(labels, said);
      }
    }
  }

  rows() {
    return this.answers.upTo(this.count);
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

/** The log of the sum of the exponentials of n numbers. */
function logSum(n, number) {
  let highest = -Infinity;
  for (let k = 0; k < n; k++) highest = Math.max(highest, number(k));
  let sum = 0;
  for (let k = 0; k < n; k++) sum += Math.exp(number(k) - highest);
  return highest + Math.log(sum);
}
