// Answers cases that a test writes, a line of JSON each, by what the page's worker does: node cases.mjs FOLDER, where
// FOLDER holds the page's modules. Models are tables (below) or what the page gets of a model file.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const at = (name) => import(pathToFileURL(`${process.argv[2]}/${name}`));
const { Desk } = await at("asking/desk.js");
const { matching } = await at("asking/pattern_automaton.js");
const { conditionsOf, allOf } = await at("asking/conditions.js");
const { DrawnFrom } = await at("asking/drawing.js");
const { Guided } = await at("asking/guided.js");
const { Passing } = await at("asking/passing.js");
const { Pruning } = await at("asking/pruning.js");
const { Asking } = await at("asking/models.js");
const { sampling } = await at("asking/sampling.js");
const { treeOf } = await at("asking/scoring.js");
const { Alphabet, quoted } = await at("asking/texts.js");

/** What a table says: of each context of `context` ids a row of V logits. */
class TablePredictor {
  constructor({ context, logits, bytes = 100 }, size) {
    this.size = size;
    this.bytes = bytes; // that it says a context takes
    this.contexts = size ** context;
    this.said = new Float32Array(logits.length);
    for (let row = 0; row < logits.length; row += size) {
      const some = logits.slice(row, row + size);
      const highest = Math.max(...some);
      const sum = highest + Math.log(some.reduce((all, one) => all + Math.exp(one - highest), 0));
      some.forEach((one, id) => (this.said[row + id] = one - sum));
    }
    // States are numbered as they are met, so that a state of before is void once the table has forgotten it.
    this.forget();
  }

  start() {
    return this.numbered(0);
  }

  get kept() {
    return this.context.length * this.bytes;
  }

  forget() {
    this.number = new Map();
    this.context = [];
  }

  numbered(context) {
    if (!this.number.has(context)) {
      this.number.set(context, this.context.length);
      this.context.push(context);
    }
    return this.number.get(context);
  }

  step(states, ids) {
    return Int32Array.from(states, (state, place) => {
      if (this.context[state] === undefined) throw new Error("a state that was forgotten is used");
      return this.numbered((this.context[state] * this.size + ids[place]) % this.contexts);
    });
  }

  logProbabilities(states) {
    const out = new Float32Array(states.length * this.size);
    states.forEach((state, place) => {
      const row = this.context[state] * this.size;
      if (!(row >= 0)) throw new Error("a state that was forgotten is asked for");
      out.set(this.said.subarray(row, row + this.size), place * this.size);
    });
    return out;
  }
}

/** A model of a table, in place of the engine's. */
function tableModel({ characters, table, seen = null, about = {} }) {
  const one = new TablePredictor(table, characters.length + 1);
  const known = seen && new Set(seen);
  return {
    characters,
    labels: [],
    about,
    seen: (string) => known && known.has(string),
    given: () => one,
  };
}

let engine = null;

async function modelOf(model) {
  if (model.table) return tableModel(model);
  engine ??= await at("engine/model.js");
  const kernel = model.kernel ? new Uint8Array(readFileSync(`${process.argv[2]}/engine/kernel.wasm`)) : null;
  return engine.readModel(model.header, new Uint8Array(Buffer.from(model.data, "base64")), kernel);
}

/** The values of an answer that JSON has no word for become texts. */
function plain(key, value) {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value, (one) => plain(key, one)) : value;
}

/** All answers to messages, when every job is done; `stopAfter` answers a job is stopped. */
function answered(desk, answers, { messages, stopAfter }) {
  return new Promise((resolve) => {
    const stopped = new Set(messages.filter(({ ask }) => ask === "stop").map(({ id }) => id)); // they say nothing more
    let open = messages.filter(({ id }) => !stopped.has(id)).length;
    const told = [];
    answers.post = (answer) => {
      told.push(answer);
      if (stopAfter && told.length === stopAfter) {
        desk.take({ id: answer.id, ask: "stop" });
        setTimeout(() => resolve(told), 100);
      }
      if ((answer.done || answer.error !== undefined) && --open === 0) resolve(told);
    };
    for (const message of messages) desk.take(message);
  });
}

const DOES = {
  matches({ characters, cases }) {
    const alphabet = new Alphabet(characters);
    return cases.map(({ pattern, strings }) => {
      try {
        const automaton = matching(pattern, alphabet);
        return strings.map((string) => (automaton.accepts(alphabet.encoded(string)) ? 1 : 0));
      } catch (error) {
        return error.message;
      }
    });
  },
  accepts({ characters, wish, strings }) {
    const alphabet = new Alphabet(characters);
    const automaton = allOf(conditionsOf(wish, alphabet), alphabet);
    return strings.map((string) => (automaton.accepts(alphabet.encoded(string)) ? 1 : 0));
  },
  quoted({ texts }) {
    return texts.map(quoted);
  },
  async counted({ model, wish }) {
    const counts = {};
    for (const { strings } of sampling(new Asking(await modelOf(model)).under(wish.label), wish)) {
      for (const { string } of strings) counts[string] = (counts[string] ?? 0) + 1;
    }
    return counts;
  },
  async pairs({ model, wish, seeds }) {
    const asked = new Asking(await modelOf(model)).under(null);
    const counts = {};
    for (let seed = 0; seed < seeds; seed++) {
      const strings = [...sampling(asked, { ...wish, count: 2, seed })].flatMap((answer) => answer.strings);
      const pair = strings.map(({ string }) => string).join(" ");
      counts[pair] = (counts[pair] ?? 0) + 1;
    }
    return counts;
  },
  async guided({ model, wish, rounds, count }) {
    const asked = new Asking(await modelOf(model)).under(null);
    const automaton = allOf(conditionsOf(wish, asked.alphabet), asked.alphabet);
    const { ids, state } = automaton.forced();
    const from = new DrawnFrom(asked.contexts, asked.alphabet, wish.temperature ?? 1, ids, asked.longest, wish.seed);
    const guided = new Guided(new Pruning(from, automaton, state, new Passing(() => false, false)));
    for (let round = 0; round < rounds; round++) {
      if (round > 0) guided.learn();
      for (const step of guided.round()) if (step !== undefined) throw new Error("nothing is told between portions");
    }
    const found = [];
    while (found.length < count) {
      const { strings, logLikelihoods } = guided.portion(2048);
      strings.forEach((string, place) => found.push([string, logLikelihoods[place]]));
    }
    const { sound, kept, clipped, share } = guided;
    return { found: found.slice(0, count), sound, kept, clipped, share };
  },
  tree({ characters, string, ids }) {
    const nodes = ids.map((some) => ({ ids: some, values: Float32Array.of(1), shared: 1 }));
    const levels = [{ shape: [ids.length, 1], nodes }];
    let read = null;
    const trace = (known) => {
      read = known;
      return { levels, network: null, logProbabilities: new Float32Array(characters.length + 1) };
    };
    const predictor = { start: () => 0, trace, kept: 0 };
    const model = { characters, labels: [], about: {}, seen: () => null, given: () => predictor };
    return { ...treeOf(new Asking(model).under(null), string), read };
  },
  async asked({ model, ...rest }) {
    const read = await modelOf(model);
    const answers = { post: () => {} };
    const desk = new Desk((answer) => answers.post(answer), (work) => setImmediate(work), () => read);
    desk.take({ header: {} });
    return answered(desk, answers, rest);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { does, ...what } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: await DOES[does](what) };
  } catch (error) {
    answer = { failed: error.message, stack: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer, plain)}\n`);
}
