// The worker of the page. Its first message is { header, bytes, kernel, counter }, the last two null or WebAssembly;
// it answers { ready: true, about }. Then
//
//   { id, ask: "sample", wish }             answers { id, strings: [{ string, logLikelihood }], looked, done, reason },
//                                           and under conditions share, with plausible implausible; the last one
//                                           under conditions has notes, sentences. No string comes twice unless
//                                           the wish has unique: false
//   { id, ask: "score", strings, label }    answers { id, rows, done }
//   { id, ask: "explain", string, label }   one answer { id, string, rows, done: true }
//   { id, ask: "tree", string, label }      one answer { id, string, levels, probabilities, ..., done: true }
//   { id, ask: "stop" }                     ends the job of this id, without an answer
//
// What cannot be done is answered by { id, error }, a sentence. Several jobs may run at once.

import { readModel } from "./engine/model.js";
import { Desk } from "./asking/desk.js";

const desk = new Desk(
  (answer) => self.postMessage(answer),
  (work) => setTimeout(work, 0),
  ({ header, bytes, kernel, counter }) => readModel(header, bytes, kernel, counter),
);
self.onmessage = ({ data }) => desk.take(data);
