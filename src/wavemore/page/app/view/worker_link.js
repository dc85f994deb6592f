/** The link to the worker, in which the model runs. */

import { byId } from "./elements.js";

/** @typedef {{id: number, ask: string}} Job */

export class WorkerLink {
  constructor() {
    /** @type {Map<number, (answer: any) => void>} */
    this.jobs = new Map();
    this.last = 0;
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

  /** Take over the worker that start.js has started, and what has come of it. */
  start() {
    const { worker, events, error } = window.opening;
    if (error) {
      this.failed(error.message);
      return;
    }
    const take = (event) => (event.type === "error" ? this.failed(event.message) : this.answered(event.data));
    this.worker = worker;
    worker.onmessage = worker.onerror = take;
    events.forEach(take);
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
      this.worker.postMessage({ id, ...request });
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
    if (this.jobs.delete(id)) this.worker.postMessage({ id, ask: "stop" });
  }
}
