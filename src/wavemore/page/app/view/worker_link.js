/** The link to the worker, in which the model runs. The worker starts before the page is laid out. */

import { fromBase64, unzipped } from "../engine/open.js";
import { byId } from "./elements.js";

/** @typedef {{id: number, ask: string}} Job */

export class WorkerLink {
  constructor() {
    /** @type {Map<number, (answer: any) => void>} */
    this.jobs = new Map();
    this.last = 0;
    /** @type {Promise<any>} what the model says about itself */
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.rejectReady = (message) => reject(new Error(message || "the worker did not start"));
    });
  }

  /** Start the worker and give it the model: both are packed in the page. */
  async start() {
    const text = (id) => byId(id).textContent.trim();
    const [script, bytes] = await Promise.all(["worker", "model"].map((id) => unzipped(fromBase64(text(id)))));
    this.worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    this.worker.onmessage = (event) => this.answered(event.data);
    this.worker.onerror = (event) => this.rejectReady(event.message);
    const kernel = fromBase64(text("kernel"));
    this.worker.postMessage({ header: JSON.parse(text("header")), bytes, kernel: kernel.length ? kernel : null });
  }

  /** @param {any} answer a message of the worker */
  answered(answer) {
    if (answer.ready) this.resolveReady(answer.about);
    else if (this.jobs.has(answer.id)) {
      const told = this.jobs.get(answer.id);
      if (answer.done || answer.error !== undefined) this.jobs.delete(answer.id);
      told(answer);
    } else if (answer.error !== undefined && answer.id === undefined) this.rejectReady(answer.error);
  }

  /**
   * Ask for something that is answered in portions.
   * @param {object} request `ask` and what goes with it
   * @param {(answer: any) => void} told called for each portion, the last of which has `done` or `error`
   * @returns {number} the job, for `stop`
   */
  ask(request, told) {
    const id = ++this.last;
    this.jobs.set(id, told);
    this.worker.postMessage({ id, ...request });
    return id;
  }

  /** Ask for something that is answered at once. @param {object} request @returns {Promise<any>} */
  one(request) {
    return new Promise((resolve, reject) => {
      this.ask(request, (answer) => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error))));
    });
  }

  /** End a job; it says nothing more. @param {number} id */
  stop(id) {
    if (this.jobs.delete(id)) this.worker.postMessage({ id, ask: "stop" });
  }
}
