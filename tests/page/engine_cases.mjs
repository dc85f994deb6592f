// Answers cases that a test writes as JSON, all by the page's engine: node engine_cases.mjs FOLDER < cases, where FOLDER
// holds the page's modules. Arrays come and go as base64.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const at = (name) => import(pathToFileURL(`${process.argv[2]}/${name}`));
const { readModel } = await at("engine/model.js");
const { readNgrams, readNgramsFast } = await at("engine/counted.js");
const { fromBase64 } = await at("engine/open.js");
const { nodesOfContext } = await at("engine/plain.js");

const toBase64 = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** The log-probabilities at each beginning of each string, in turn: all strings side by side, or one after the other. */
function rowsOf(predictor, size, strings, alone) {
  const rows = strings.map((ids) => new Float32Array((ids.length + 1) * size));
  const walk = (places) => {
    let going = places;
    let states = Int32Array.from(going, () => predictor.start());
    for (let depth = 0; going.length; depth++) {
      const said = predictor.logProbabilities(states);
      going.forEach((place, i) => rows[place].set(said.subarray(i * size, (i + 1) * size), depth * size));
      const left = going.map((place, i) => [place, states[i]]).filter(([place]) => strings[place].length > depth);
      going = left.map(([place]) => place);
      const ids = Int32Array.from(going, (place) => strings[place][depth]);
      states = predictor.step(Int32Array.from(left, ([, state]) => state), ids);
    }
  };
  if (alone) strings.forEach((_, place) => walk([place]));
  else walk(strings.map((_, place) => place));
  return rows;
}

const DOES = {
  rows(model, predictor, { strings, alone, again }) {
    if (again) {
      rowsOf(predictor, model.vocabularySize, strings, false);
      predictor.forget();
    }
    return rowsOf(predictor, model.vocabularySize, strings, alone).map(toBase64);
  },
  scores(model, predictor, { strings }) {
    const size = model.vocabularySize;
    const rows = rowsOf(predictor, size, strings, false);
    const score = (ids, said) => [...ids, 0].reduce((sum, id, depth) => sum + said[depth * size + id], 0);
    return toBase64(Float64Array.from(strings, (ids, i) => score(ids, rows[i])));
  },
  plain(model, _, { strings, number, label }) {
    const context = model.networks.context;
    return strings.map((ids) => {
      const padded = [...new Array(context).fill(0), ...ids].slice(-context);
      return toBase64(nodesOfContext(model.header, model.arrays, number, padded, label).logits);
    });
  },
  trace(model, predictor, { ids }) {
    const { levels, logProbabilities, network } = predictor.trace(ids);
    const plain = levels.map(({ nodes, ...rest }) => ({
      ...rest,
      nodes: nodes.map(({ values, ...node }) => ({ ...node, values: Array.from(values) })),
    }));
    return { levels: plain, logProbabilities: Array.from(logProbabilities), network };
  },
  ngrams(model) {
    const asked = [model.header.ngram, model.arrays, model.vocabularySize];
    const [plain, fast] = [readNgrams(...asked), readNgramsFast(counter, ...asked)];
    const { parents, newest, counts } = plain;
    const differ = Object.keys(plain).filter((name) => String(plain[name]) !== String(fast[name]));
    return { parents: toBase64(parents), newest: toBase64(newest), counts: toBase64(counts), differ };
  },
  seen(model, _, { texts }) {
    return texts.map((text) => model.seen(text));
  },
  about(model) {
    return model.about;
  },
};

const { models, cases } = JSON.parse(readFileSync(0, "utf8"));
const counter = new Uint8Array(readFileSync(`${process.argv[2]}/engine/counter.wasm`));
const kernel = process.argv[3] ? new Uint8Array(readFileSync(process.argv[3])) : null;
const read = new Map();
const modelOf = (number, plain) => {
  const name = `${number} ${plain}`;
  if (!read.has(name)) {
    const { header, data } = models[number];
    read.set(name, readModel(header, fromBase64(data), plain ? null : kernel, plain ? null : counter));
  }
  return read.get(name);
};
const answers = cases.map(({ does, model, plain, under, ...what }) => {
  const one = modelOf(model, plain ?? false);
  try {
    return { answer: DOES[does](one, one.given(under ?? null), what) };
  } catch (error) {
    return { failed: error.message, stack: error.stack };
  }
});
process.stdout.write(JSON.stringify(answers));
