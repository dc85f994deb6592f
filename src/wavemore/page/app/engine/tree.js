import { AnyLabel, Mixture } from "./mixtures.js";
import { placesOfTree, nodesOfContext } from "./plain.js";

/**
 * The shapes on the way up one tree, as the notes write them: [places, channels].
 * @param {object} header of the model
 * @param {(Float32Array | Uint8Array)[]} arrays
 * @returns {{name: string, group: number, shape: number[], flattened: number[] | null}[]} from the embedding up
 */
export function levelShapes(header, arrays) {
  if (!header.networks.length) return [];
  const { embedding, levels } = header.networks[0];
  const places = placesOfTree(levels);
  let channels = arrays[embedding].length / (header.characters.length + 1);
  const found = [{ name: "embedding", group: 1, shape: [places[0].length, channels], flattened: null }];
  levels.forEach(({ group }, i) => {
    const wide = [places[i + 1].length, channels * group];
    channels = header.hidden;
    found.push({ name: `level ${i + 1}`, group, shape: [places[i + 1].length, channels], flattened: wide });
  });
  return found;
}

/**
 * The tree of the last context of a string, of the first network.
 * @param {import("./model.js").Model} model
 * @param {import("./model.js").Predictor} predictor
 * @param {number[]} ids of the string
 * @returns {{levels: object[], logProbabilities: Float32Array, network: string | null}} of each level its `name`,
 * `group`, `shape`, `flattened`, and its `nodes`: of each the `ids` of its chunk, the place `end` of its last one in the
 * context, the numbers of its `children` in the level below, its `values`, and how many of the string's contexts have
 * the same chunk, `shared`; `network` says whose tree it is where there are several
 */
export function traced(model, predictor, ids) {
  let state = Int32Array.of(predictor.start());
  for (const id of ids) state = predictor.step(state, Int32Array.of(id));
  const logProbabilities = predictor.logProbabilities(state);
  if (!model.networks) return { levels: [], logProbabilities, network: null };
  const { header, arrays } = model;
  const shapes = levelShapes(header, arrays);
  const { levels } = header.networks[0];
  const { label, said } = labelOf(model, predictor, state[0]);
  const context = model.networks.context;
  const padded = [...new Array(context).fill(0), ...ids];
  const tree = nodesOfContext(header, arrays, 0, padded.slice(-context), label);
  const chunks = chunksOf(levels, padded);
  const places = placesOfTree(levels);
  return {
    levels: shapes.map((shape, i) => ({ ...shape, nodes: places[i].map((place) => node(i, place)) })),
    logProbabilities,
    network: [said, whichNetwork(model)].filter(Boolean).join(", ") || null,
  };

  function node(i, end) {
    const chunk = chunks.text(i, padded.length - context + end);
    const level = levels[i - 1];
    const child = (j) => places[i - 1].indexOf(end - (level.group - 1 - j) * level.dilation);
    return {
      ids: chunk.split(",").map(Number),
      end,
      children: i === 0 ? [] : Array.from({ length: level.group }, (_, j) => child(j)),
      values: Float32Array.from(tree.levels[i].get(end)),
      shared: chunks.shared(i, chunk),
    };
  }
}

function whichNetwork(model) {
  const networks = model.header.networks.length;
  if (networks > 1) return `the first of ${networks} networks`;
  return model.counts ? "the network, without the n-grams" : "";
}

/** Under which label a tree is drawn: the predictor's own, or of a mixture the most probable one. */
function labelOf(model, predictor, state) {
  const part = predictor.part instanceof Mixture ? predictor.part.network : predictor.part;
  if (!(part instanceof AnyLabel)) return { label: part.label, said: "" };
  const labels = part.predictors.length;
  let best = 0;
  for (let k = 1; k < labels; k++) {
    if (part.joint[state * labels + k] > part.joint[state * labels + best]) best = k;
  }
  const { label } = part.predictors[best];
  const named = Object.entries(model.named(label)).map((pair) => pair.join(" = "));
  return { label, said: `with ${named.join(" and ")}` };
}

/** The chunks of a string's contexts as texts, ids with commas. */
function chunksOf(levels, padded) {
  const places = placesOfTree(levels);
  const context = places[0][places[0].length - 1] + 1;
  const lengths = [1];
  for (const { group, dilation } of levels) lengths.push(lengths[lengths.length - 1] + (group - 1) * dilation);
  const text = (i, end) => padded.slice(end - lengths[i] + 1, end + 1).join();
  const counts = places.map((of, i) => {
    const found = new Map();
    for (let last = context - 1; last < padded.length; last++) {
      for (const chunk of new Set(of.map((place) => text(i, last - context + 1 + place)))) {
        found.set(chunk, (found.get(chunk) ?? 0) + 1);
      }
    }
    return found;
  });
  return { text, shared: (i, chunk) => counts[i].get(chunk) };
}
