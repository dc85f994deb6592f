// When a guide takes over from trying: it costs as much as many strings that are tried, so it waits until some were.
// Costs are counted in characters, not in seconds, so that a seed gives the same strings on every machine.

import { Guided } from "./guided.js";

const ROUNDS_AFTER = [150000, 400000, 1000000]; // characters of trying, before the guide is made, and before it learns
const COMMON = 0.02; // a share of tried strings that come through for which no guide is made
const LONGEST_GUIDED = 5000; // characters of the shortest string that meets the conditions
const DEARER = 2; // characters of trying that take as long as one of guiding

/** Watches what trying costs. */
export class Leading {
  /** @param {import("./pruning.js").Pruning} pruning */
  constructor(pruning) {
    this.pruning = pruning;
    this.spent = 0;
    this.rounds = 0;
    /** @type {Guided | null} */
    this.guided = null;
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
    if (this.pruning.automaton.distance[0] > LONGEST_GUIDED) return null;
    if (batchDone !== 0 || latest === null || latest.through >= COMMON * latest.tried) return null;
    while (this.rounds < ROUNDS_AFTER.length && this.spent >= ROUNDS_AFTER[this.rounds]) {
      this.rounds++;
      if (this.guided === null) this.guided = new Guided(this.pruning);
      else if (!this.guided.learns) return null;
      else this.guided.learn();
      yield* this.guided.round();
      const { sound, kept, stepsEach } = this.guided;
      if (sound && kept / stepsEach > (DEARER * (latest.through + 1)) / latest.steps) return this.guided;
    }
    return null;
  }
}
