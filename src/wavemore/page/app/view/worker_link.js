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
    /** @type {string | null} why nothing is answered any more, in a sentence */
    this.broken = null;
    this.started = false;
    this.header = JSON.parse(byId("header").textContent);
    /** @type {Promise<any>} what the model says about itself */
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.rejectReady = (message) => reject(new Error(message || "the worker did not start"));
    });
  }

  /** Start the worker and give it the model: both are packed in the page. */
  async start() {
    if (typeof DecompressionStream === "undefined")
      throw new Error("this browser is too old; the page needs one of 2023 or later");
    const text = (id) => byId(id).textContent.trim();
    const unpacked = (id) => unzipped(fromBase64(text(id)));
    const model = unpacked("model"); // while the worker starts
    const script = await unpacked("worker");
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    worker.onmessage = (event) => this.answered(event.data);
    worker.onerror = (event) => this.failed(event.message);
    const kernel = fromBase64(text("kernel"));
    const bytes = await model;
    worker.postMessage({ header: this.header, bytes, kernel: kernel.length ? kernel : null });
    for (const message of this.early) worker.postMessage(message);
    this.worker = worker;
  }

  /** The worker has failed: nothing that was asked will be answered. @param {string} message */
  failed(message) {
    this.rejectReady(message);
    const why = message ? ` (${message})` : "";
    this.broken = this.started
      ? `the model has stopped working${why}; load the page again`
      : `the model did not start${why}`;
    const waiting = [...this.jobs.values()];
    this.jobs.clear();
    for (const told of waiting) told({ error: this.broken });
  }

  /** @param {any} answer a message of the worker */
  answered(answer) {
    if (answer.ready) {
      this.started = true;
      this.resolveReady(answer.about);
    } else if (this.jobs.has(answer.id)) {
      const told = this.jobs.get(answer.id);
      if (answer.done || answer.error !== undefined) this.jobs.delete(answer.id);
      told(answer);
    } else if (answer.error !== undefined && answer.id === undefined) this.failed(answer.error);
  }

  /**
   * Ask for something that is answered in portions.
   * @param {object} request `ask` and what goes with it
   * @param {(answer: any) => void} told called for each portion, the last of which has `done` or `error`
   * @returns {number} the job, for `stop`
   */
  ask(request, told) {
    const id = ++this.last;
    if (this.broken) queueMicrotask(() => told({ error: this.broken }));
    else {
      this.jobs.set(id, told);
      this.post({ id, ...request });
    }
    return id;
  }

  /** Ask for something that has one answer. @param {object} request @returns {Promise<any>} */
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
