import { fromBase64, unzipped } from "../engine/open.js";

const text = (id) => document.getElementById(id).textContent;
const source = new Blob([text("worker-source")], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(source));
worker.onmessage = (event) => {
  document.getElementById("out").textContent += JSON.stringify(event.data) + "\n";
};
unzipped(fromBase64(text("model-bytes"))).then((bytes) => {
  const header = JSON.parse(text("model-header"));
  worker.postMessage({ header, bytes, kernel: fromBase64(text("model-kernel")) }, [bytes.buffer]);
});
