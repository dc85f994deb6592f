// The model that is asked, and what each label makes of it.

import { Contexts } from "./contexts.js";
import { Alphabet, Refusal } from "./texts.js";
import { scoredUnder } from "./scoring.js";

const LONGEST_STRING = 1000; // characters, where a model does not say

/** A model and its characters; one `Asked` for each label that is asked for. */
export class Asking {
  /** @param {object} model as `readModel` gives it */
  constructor(model) {
    this.model = model;
    this.alphabet = new Alphabet(model.characters);
    /** @type {Map<string, Asked>} */
    this.known = new Map();
  }

  /**
   * The model under a label. Throws a Refusal for a label that it does not have.
   * @param {Object<string, string> | null | undefined} label
   * @returns {Asked}
   */
  under(label) {
    const chosen = label && Object.keys(label).length ? label : null;
    const kinds = this.model.labels ?? [];
    for (const [name, value] of Object.entries(chosen ?? {})) {
      const kind = kinds.find((one) => one.name === name);
      if (!kind) throw new Refusal(`the model has no labels of the kind ${JSON.stringify(name)}`);
      if (!kind.values.includes(value)) {
        throw new Refusal(`the model has no ${name} ${JSON.stringify(value)}; it has ${kind.values.join(", ")}`);
      }
    }
    if (chosen && !(this.model.occurs?.(chosen) ?? true)) {
      const values = Object.values(chosen).join(", ");
      throw new Refusal(`no string of the list has the label ${values}; name one of each kind`);
    }
    const key = JSON.stringify(kinds.map(({ name }) => chosen?.[name] ?? null));
    if (!this.known.has(key)) this.known.set(key, new Asked(this, chosen));
    return this.known.get(key);
  }
}

/** A model under a label, or without one. */
export class Asked {
  /**
   * @param {Asking} asking
   * @param {Object<string, string> | null} label
   */
  constructor(asking, label) {
    this.asking = asking;
    this.model = asking.model;
    this.alphabet = asking.alphabet;
    this.label = label;
    this.predictor = asking.model.given(label);
    const about = asking.model.about ?? {};
    const sharers = Math.max(1, about.labelWeights?.length ?? 1);
    this.contexts = new Contexts(this.predictor, asking.alphabet.size, sharers);
    /** The longest strings that it makes. */
    this.longest = about.maxLength ?? LONGEST_STRING;
    /** @type {import("./plausible.js").Limits | null} */
    this.limits = about.plausible ?? null;
    /** Log-likelihoods of held-out strings, rising; percentiles are of all labels together. */
    this.heldOut = label === null ? (about.heldOut ?? null) : null;
    /** @type {{label: Object<string, string>, weight: number}[] | null} */
    this.labelWeights = label === null ? (about.labelWeights ?? null) : null;
  }

  /**
   * How surprising each string of a portion is, by its place. Where labels are mixed, a string surprises under the
   * label that it most probably has.
   * @param {import("./drawing.js").Portion} portion
   * @param {import("./plausible.js").Choice} choice
   * @returns {(place: number) => number}
   */
  excess(portion, choice) {
    const { strings, logLikelihoods, worst } = portion;
    if (!this.labelWeights) return (place) => choice.excess(strings[place], logLikelihoods[place], worst[place]);
    const best = strings.map(() => ({ joint: -Infinity, logLikelihood: 0, worst: 0 }));
    for (const { label, weight } of this.labelWeights) {
      scoredUnder(this.asking.under(label), strings).forEach((found, place) => {
        const joint = Math.log(weight) + found.logLikelihood;
        if (joint > best[place].joint) best[place] = { joint, ...found };
      });
    }
    return (place) => choice.excess(strings[place], best[place].logLikelihood, best[place].worst);
  }
}
