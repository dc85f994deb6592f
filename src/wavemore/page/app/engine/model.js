import { readArrays } from "./arrays.js";
import { readNgrams, readNgramsFast } from "./counted.js";
import { Memory } from "./memory.js";
import { AnyLabel, Mixture } from "./mixtures.js";
import { Labelled } from "./labelled.js";
import { Network } from "./network.js";
import { Counts, Ngram } from "./ngram.js";
import { Seen } from "./seen.js";
import { levelShapes, traced } from "./tree.js";
import { Networks } from "./weights.js";

/**
 * The model that a page holds.
 * @param {object} header see `page/packing.py`
 * @param {Uint8Array} bytes its arrays
 * @param {Uint8Array | null} kernel null for plain JavaScript
 * @param {Uint8Array | null} [counter] the same, for n-grams
 * @returns {Model}
 */
export function readModel(header, bytes, kernel, counter = null) {
  return new Model(header, readArrays(header.arrays, bytes), kernel, counter);
}

/** The n-grams, by WebAssembly where the browser lets it run. */
function ngramsOf(header, arrays, counter) {
  const size = header.characters.length + 1;
  try {
    if (counter) return readNgramsFast(counter, header.ngram, arrays, size);
  } catch {
    // the plain form says the same
  }
  return readNgrams(header.ngram, arrays, size);
}

/** A model: its characters, its labels, and what says what follows. */
export class Model {
  constructor(header, arrays, kernel, counter) {
    this.header = header;
    this.arrays = arrays;
    /** The character at place i has id i + 1; id 0 is the boundary: start, end and padding. */
    this.characters = header.characters;
    this.vocabularySize = header.characters.length + 1;
    /** {name, values} of each kind of label; [] without. */
    this.labels = header.labels ? header.labels.kinds : [];
    this.networks = header.networks.length ? new Networks(header, arrays, new Memory(kernel)) : null;
    this.counts = header.ngram ? new Counts(this.vocabularySize, ngramsOf(header, arrays, counter)) : null;
    this.list = header.seen && new Seen(header.seen, arrays);
    this.predictors = new Map();
    /** How many ids a prediction looks back to. */
    this.context = Math.max(this.networks ? this.networks.context : 0, this.counts ? header.ngram.order - 1 : 0);
    this.about = this.told();
  }

  /** What people are told. */
  told() {
    const { header, arrays, labels } = this;
    return {
      ...header.about,
      knowsList: this.list !== null,
      mistaken: header.seen ? header.seen.mistaken : null,
      heldOut: header.quantiles === null ? null : Array.from(arrays[header.quantiles]),
      characters: this.characters,
      labels,
      labelWeights: this.labelWeights(),
      context: this.context,
      levels: levelShapes(header, arrays),
    };
  }

  /** The labels that occur on the list, {label, weight} each; null without labels. */
  labelWeights() {
    if (!this.header.labels) return null;
    const { counts } = this.header.labels;
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.flatMap((count, number) => (count ? [{ label: this.named(number), weight: count / total }] : []));
  }

  /** The label of a number: {kind: value}. */
  named(number) {
    let rest = number;
    const pairs = [];
    for (const { name, values } of [...this.labels].reverse()) {
      pairs.unshift([name, values[rest % values.length]]);
      rest = Math.floor(rest / values.length);
    }
    return Object.fromEntries(pairs);
  }

  /**
   * Whether a string is on the list that the model was made from: true of each that is, and by chance, in
   * `about.mistaken` of cases, of others; null where the model does not know its list.
   * @param {string} string
   * @returns {boolean | null}
   */
  seen(string) {
    return this.list && this.list.has(string);
  }

  /**
   * What says what follows.
   * @param {Object<string, string> | null} label a value of each kind, or of some; null for the mixture of all labels
   * @returns {Predictor}
   */
  given(label) {
    const name = JSON.stringify(Object.entries(label ?? {}).sort());
    if (!this.predictors.has(name)) this.predictors.set(name, new Predictor(this, this.part(label)));
    return this.predictors.get(name);
  }

  part(label) {
    if (!this.networks) return new Ngram(this.counts);
    const network = new Network(this.networks);
    if (!this.labels.length) return this.mixed(new Labelled(network, 0));
    const numbers = this.numbers(label ?? {});
    if (numbers.length === 1 && label) return this.mixed(new Labelled(network, numbers[0].number));
    const total = numbers.reduce((sum, { count }) => sum + count, 0);
    const predictors = numbers.map(({ number }) => new Labelled(network, number));
    return new AnyLabel(predictors, numbers.map(({ count }) => count / total));
  }

  mixed(predictor) {
    return this.counts ? new Mixture(predictor, new Ngram(this.counts), this.header.ngram.weight) : predictor;
  }

  /** Whether strings of the list have a label, or it is told in full. @param {Object<string, string>} label */
  occurs(label) {
    return this.numbers(label).length > 0;
  }

  /** The labels, by number, that are meant: those that occur, and one that is told in full. */
  numbers(label) {
    const told = Object.keys(label);
    const known = (kind) => this.labels.some(({ name, values }) => name === kind && values.includes(label[kind]));
    const unknown = told.find((kind) => !known(kind));
    if (unknown !== undefined) throw new Error(`The model has no label ${unknown} = ${label[unknown]}.`);
    const whole = told.length === this.labels.length;
    return this.header.labels.counts.flatMap((count, number) => {
      const named = this.named(number);
      const fits = told.every((kind) => named[kind] === label[kind]);
      return fits && (count || whole) ? [{ number, count: Math.max(count, 1) }] : [];
    });
  }
}

/** Says what follows. A state is a whole number that names a distinct context, or a distinct beginning. */
export class Predictor {
  constructor(model, part) {
    this.model = model;
    this.part = part;
  }

  /** The state before the first character. */
  start() {
    return this.part.start();
  }

  /**
   * The states after one more character each.
   * @param {Int32Array} states
   * @param {Int32Array} ids from 1
   * @returns {Int32Array}
   */
  step(states, ids) {
    return this.part.step(states, ids);
  }

  /**
   * The natural logarithms of the probabilities of what follows each state, row after row.
   * @param {Int32Array} states
   * @returns {Float32Array} (n, V)
   */
  logProbabilities(states) {
    return this.part.logProbabilities(states);
  }

  /** Bytes that its states take, and what was computed for them. */
  get kept() {
    return this.part.kept;
  }

  /** Drop what is kept; earlier states are void. */
  forget() {
    this.part.forget();
  }

  /** See `traced`. */
  trace(ids) {
    return traced(this.model, this, ids);
  }
}
