// When a guide takes over from trying: it costs as much as many strings that are tried, so it waits until some were.
// Costs are counted in characters, not in seconds, so that a seed gives the same strings on every machine.

import { Guided } from "./guided.js";

// Characters of trying, before the guide is made, and before it learns.
const ROUNDS_AFTER = [25000, 50000, 100000, 200000, 400000];
// Where more come through than this share, a round waits for so many times as much.
const [SCARCE, PATIENT] = [0.0005, 6];
const COMMON = 0.02; // a share of tried strings that come through for which no guide is made
const LONGEST_GUIDED = 5000; // characters of the shortest string that meets the conditions
const DEARER = 2; // characters of trying that take as long as one of guiding
const FEW = 2000; // different strings that trying finds to the last one

/** Watches what trying costs. */
export class Leading {
  /** @param {import("./pruning.js").Pruning} pruning */
  constructor(pruning) {
    this.pruning = pruning;
    this.spent = 0;
    this.rounds = 0;
    /** Whether the next round does not wait: trying has found nothing for long. */
    this.hurried = false;
    /** @type {Guided | null} */
    this.guided = null;
    const { automaton, passing } = pruning;
    this.waits = passing.unique && automaton.every(FEW) !== null;
  }

  /** Whether a guide may yet be found. */
  get hopes() {
    const { automaton } = this.pruning;
    const learned = this.guided?.sound && !this.guided.learns;
    return this.rounds < ROUNDS_AFTER.length && automaton.distance[0] <= LONGEST_GUIDED && !learned;
  }

  /** What is known of the share of the model's strings that meet the conditions, by whichever has seen some. */
  get known() {
    const { pruning, guided } = this;
    return pruning.through === 0 && guided?.sound ? guided : pruning;
  }

  /** Let the next round begin with the next portion. */
  hurry() {
    this.hurried = true;
  }

  /**
   * Call after each portion of trying. Yields between portions of the work, and returns the guided source where that is
   * better, else null.
   * @param {number} steps that the portion took
   * @returns {Generator<void, Guided | null, void>}
   */
  *better(steps) {
    this.spent += steps;
    const { latest, batchDone } = this.pruning;
    if (this.hurried && this.hopes) {
      this.hurried = false;
      yield* this.round();
      return this.guided.sound ? this.guided : null;
    }
    if (this.waits || batchDone !== 0 || latest === null || latest.through >= COMMON * latest.tried) return null;
    // Where none came through lately, one may have with the next character.
    const rate = (latest.through + 1) / (latest.through ? latest.steps : this.spent);
    const patience = latest.through > SCARCE * latest.tried ? PATIENT : 1;
    const isBetter = () => this.guided?.sound && this.guided.kept / this.guided.stepsEach > DEARER * rate;
    while (!isBetter() && this.hopes && this.spent >= patience * ROUNDS_AFTER[this.rounds]) yield* this.round();
    return isBetter() ? this.guided : null;
  }

  /** The guide is made, or learns once more. */
  *round() {
    this.rounds++;
    if (this.guided === null) this.guided = new Guided(this.pruning);
    else this.guided.learn();
    yield* this.guided.round();
  }
}
