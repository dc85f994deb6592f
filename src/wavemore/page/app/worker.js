import { readModel } from "./engine/model.js";

self.onmessage = (event) => {
  const { header, bytes, kernel } = event.data;
  const model = readModel(header, bytes, kernel);
  self.postMessage({ ready: true, about: model.about });
};
