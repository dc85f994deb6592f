/** The link to the worker, in which the model runs. The worker starts before the page is laid out. */

import { fromBase64, unzipped } from "../engine/open.js";
import { byId } from "./elements.js";

/** @typedef {{id: number, ask: string}} Job */

export class WorkerLink {
  constructor() {
    /** @type {Map<number, (answer: any) => void>} */
    this.jobs = new Map();
    this.last = 0;
    /** @type {object[]} what is asked before the worker is there */
    this.early = [];
    /** @type {Promise<any>} what the model says about itself */
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.rejectReady = (message) => reject(new Error(message || "the worker did not start"));
    });
  }

  /** Start the worker and give it the model: both are packed in the page. */
  async start() {
    const text = (id) => byId(id).textContent.trim();
    const unpacked = (id) => unzipped(fromBase64(text(id)));
    const model = unpacked("model"); // while the worker starts
    const script = await unpacked("worker");
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    worker.onmessage = (event) => this.answered(event.data);
    worker.onerror = (event) => this.rejectReady(event.message);
    const kernel = fromBase64(text("kernel"));
    const bytes = await model;
    worker.postMessage({ header: JSON.parse(text("header")), bytes, kernel: kernel.length ? kernel : null });
    for (const message of this.early) worker.postMessage(message);
    this.worker = worker;
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
    this.post({ id, ...request });
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
    if (this.jobs.delete(id)) this.post({ id, ask: "stop" });
  }

  /** @param {object} message */
  post(message) {
    if (this.worker) this.worker.postMessage(message);
    else this.early.push(message);
  }
}
