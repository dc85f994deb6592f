/** A network under one label, or without labels, as the model's other parts want it. */
export class Labelled {
  /**
   * @param {Network} network
   * @param {number} label its number; 0 without labels
   */
  constructor(network, label) {
    this.network = network;
    this.label = label;
    this.size = network.size;
  }

  start() {
    return this.network.start(this.label);
  }

  step(states, ids) {
    return this.network.step(states, ids);
  }

  /** The log-probabilities of all states so far; (states, V). */
  rows() {
    return this.network.answers.upTo(this.network.chunks[this.network.shape.length - 1].count);
  }

  logProbabilities(states) {
    this.rows();
    return this.network.answers.of(states);
  }

  draw(states, uniforms) {
    this.rows();
    return this.network.answers.drawn(states, uniforms);
  }

  forget() {
    this.network.forget();
  }

  get kept() {
    return this.network.kept;
  }
}
