import { fromBase64, opened } from "../engine/open.js";

const { header, bytes } = await opened(document.getElementById("model").textContent);
const kernel = fromBase64(document.getElementById("kernel").textContent);
const source = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(source));
worker.onmessage = (event) => {
  document.getElementById("out").textContent += JSON.stringify(event.data) + "\n";
};
worker.postMessage({ header, bytes, kernel }, [bytes.buffer]);
