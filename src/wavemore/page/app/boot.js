// The first script of the worker, which the page holds as plain text: it unpacks the other one and the model while the
// page is still being read. Its messages are { script }, then { header, model, kernel, counter }: all but the header in
// base64, script and model packed by gzip. What comes after them goes to the other script, see worker.js, as does the
// unpacked model.

import { fromBase64, unzipped } from "./engine/open.js";

// What takes messages in worker.js; a promise that is fulfilled once all messages before this one were taken; and
// whether one of them could not be, so that none after it can.
let take = null;
let earlier = Promise.resolve();
let failed = false;

async function unpacked({ data }) {
  if (data.script !== undefined) return { script: await unzipped(fromBase64(data.script)) };
  if (data.model === undefined) return data;
  const { header, model, kernel, counter } = data;
  const bytes = await unzipped(fromBase64(model));
  return { header, bytes, kernel: fromBase64(kernel), counter: counter ? fromBase64(counter) : null };
}

function taken(data) {
  if (data.script === undefined) return take({ data });
  importScripts(URL.createObjectURL(new Blob([data.script], { type: "text/javascript" })));
  take = self.onmessage;
  self.onmessage = receive;
}

/** Messages are unpacked side by side, and taken one after the other. */
function receive(event) {
  const message = unpacked(event).catch(() => {
    throw new Error("the page is not whole; fetch it again");
  });
  message.catch(() => {}); // it is said in its turn
  const before = earlier;
  earlier = (async () => {
    await before;
    if (failed) return;
    try {
      taken(await message);
    } catch (error) {
      failed = true;
      self.postMessage({ ready: false, error: error.message });
    }
  })();
}

self.onmessage = receive;
