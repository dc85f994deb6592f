// The jobs that are asked for, side by side: the newest works first, and all work in turns.

import { likeliest } from "./likeliest.js";
import { Asking } from "./models.js";
import { sampling } from "./sampling.js";
import { explained, scoring, treeOf } from "./scoring.js";
import { Refusal } from "./texts.js";

const PORTION_TIME_OF_JOB = 30; // milliseconds

/** What has one answer, as a job: it is worked out in its turn, so that a stop may come before. */
function* atOnce(answer) {
  yield { ...answer(), done: true };
}

/** Takes messages and answers them. */
export class Desk {
  /**
   * @param {(answer: object) => void} post
   * @param {(work: () => void) => void} later calls it soon, after messages that have come meanwhile
   * @param {(message: object) => object} read the model of the first message
   */
  constructor(post, later, read) {
    this.post = post;
    this.later = later;
    this.read = read;
    /** @type {Asking | null} */
    this.asking = null;
    /** @type {{id: unknown, job: Generator<object, void, void>}[]} the newest last */
    this.jobs = [];
    this.working = false;
  }

  /**
   * See the messages in worker.js.
   * @param {any} message
   */
  take(message) {
    if (message.header !== undefined) {
      try {
        const model = this.read(message);
        this.asking = new Asking(model);
        this.post({ ready: true, about: model.about });
      } catch (error) {
        this.post({ ready: false, error: sentenceOf(error) });
      }
      return;
    }
    const { id } = message;
    if (message.ask === "stop") {
      this.jobs = this.jobs.filter((one) => one.id !== id);
      return;
    }
    try {
      this.jobs.push({ id, job: this.job(message) });
    } catch (error) {
      this.post({ id, error: sentenceOf(error) });
      return;
    }
    this.wake();
  }

  /**
   * @param {any} message
   * @returns {Generator<object, void, void>}
   */
  job(message) {
    if (this.asking === null) throw new Refusal("the model is not there yet");
    const { ask, wish } = message;
    const asked = this.asking.under((wish ?? message).label);
    if (ask === "sample") return wish.likeliest ? likeliest(asked, wish) : sampling(asked, wish);
    if (ask === "score") return scoring(asked, message.strings);
    if (ask === "explain") return atOnce(() => explained(asked, message.string));
    if (ask === "tree") return atOnce(() => treeOf(asked, message.string));
    throw new Refusal(`${JSON.stringify(ask)} cannot be asked; it must be sample, score, explain, tree or stop`);
  }

  wake() {
    if (this.working || this.jobs.length === 0) return;
    this.working = true;
    this.later(() => this.round());
  }

  /** A portion of each job. */
  round() {
    for (const one of [...this.jobs].reverse()) {
      if (!this.portion(one)) this.jobs = this.jobs.filter((job) => job !== one);
    }
    this.working = false;
    this.wake();
  }

  /**
   * @param {{id: unknown, job: Generator<object, void, void>}} one
   * @returns {boolean} whether it goes on
   */
  portion({ id, job }) {
    const end = performance.now() + PORTION_TIME_OF_JOB;
    try {
      do {
        const { value, done } = job.next();
        if (done) return false;
        this.post({ id, ...value });
        if (value.done || !this.jobs.some((one) => one.job === job)) return false; // done, or stopped meanwhile
      } while (performance.now() < end);
      return true;
    } catch (error) {
      this.post({ id, error: sentenceOf(error) });
      return false;
    }
  }
}

/** @param {unknown} error */
function sentenceOf(error) {
  if (error instanceof Refusal) return error.message;
  return `this went wrong, and it should not have: ${error instanceof Error ? error.message : String(error)}`;
}
