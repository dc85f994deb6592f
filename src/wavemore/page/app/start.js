// Runs before the page is laid out: it starts the worker, so that the model is open as soon as the page is there. What
// the worker says is kept for view/worker_link.js. In index.html all that is packed stands around it.

const textOf = (id) => document.getElementById(id).textContent;

/** The worker, and the events that have come of it; or why there is none. */
const opening = { worker: null, events: [], error: null };

/** Give the worker the model, which the page has read by now. */
opening.give = () => {
  const [header, model, kernel, counter] = ["header", "model", "kernel", "counter"].map(textOf);
  opening.worker?.postMessage({ header: JSON.parse(header), model, kernel, counter });
};

try {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old; the page needs one of 2023 or later");
  const worker = new Worker(URL.createObjectURL(new Blob([textOf("boot")], { type: "text/javascript" })));
  worker.onmessage = worker.onerror = (event) => opening.events.push(event);
  worker.postMessage({ script: textOf("worker") });
  opening.worker = worker;
} catch (error) {
  opening.error = error;
}
window.opening = opening;
