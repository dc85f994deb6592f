import { activated, ACTIVATIONS, NORM_EPS } from "./products.js";

/**
 * The plain form: one context through one network, node by node, in double precision and without any sharing. It draws
 * the tree of a string, and the fast form is tested against it.
 */

/** Of each level, from the embedding up, the places of a context, from 0, at which the tree has a node. */
export function placesOfTree(levels) {
  const context = levels.reduce((sum, { group, dilation }) => sum + (group - 1) * dilation, 1);
  const places = [[context - 1]];
  for (const { group, dilation } of [...levels].reverse()) {
    const below = new Set();
    for (const place of places[0]) for (let ago = 0; ago < group; ago++) below.add(place - ago * dilation);
    places.unshift([...below].sort((a, b) => a - b));
  }
  return places;
}

/**
 * The nodes of a context's tree, and the logits at its top.
 * @param {object} header of the model
 * @param {(Float32Array | Uint8Array)[]} arrays
 * @param {number} number of the network
 * @param {number[]} context its ids, as many as the model's context
 * @param {number} label its number; 0 without labels
 * @returns {{levels: Map<number, Float64Array>[], logits: Float64Array}} of each level the nodes by their place
 */
export function nodesOfContext(header, arrays, number, context, label) {
  const network = header.networks[number];
  const places = placesOfTree(network.levels);
  const size = header.characters.length + 1;
  const embedding = arrays[network.embedding];
  const channels = embedding.length / size;
  const row = (id) => Float64Array.from(embedding.subarray(id * channels, (id + 1) * channels));
  const levels = [new Map(places[0].map((place) => [place, row(context[place])]))];
  const logits = new Float64Array(size);
  network.levels.forEach((level, i) => {
    const below = levels[i];
    const nodes = places[i + 1].map((place) => {
      const child = (j) => below.get(place - (level.group - 1 - j) * level.dilation);
      const children = Array.from({ length: level.group }, (_, j) => child(j));
      return [place, nodeOf(header, arrays, level, children, label)];
    });
    levels.push(new Map(nodes));
    const newest = nodes[nodes.length - 1][1];
    if (level.head !== null) addProduct(logits, newest, arrays[level.head]);
    for (const part of [level.headBias, shiftOf(header, arrays, level.headShifts, label)]) {
      const numbers = typeof part === "number" ? arrays[part] : part;
      if (numbers !== null) logits.forEach((_, id) => (logits[id] += numbers[id]));
    }
    if (level.adds && !level.residual) addTo(newest, below.get(places[i + 1][places[i + 1].length - 1]));
  });
  return { levels, logits };
}

/** A node from its children. */
function nodeOf(header, arrays, level, children, label) {
  const { hidden, activation } = header;
  const gated = activation === "gated";
  const sum = new Float64Array(gated ? 2 * hidden : hidden);
  children.forEach((child, j) => addProduct(sum, child, arrays[level.weights[j]]));
  if (level.bias !== null) addTo(sum, arrays[level.bias]);
  const shift = shiftOf(header, arrays, level.shifts, label);
  if (shift !== null) addTo(sum, shift);
  if (level.gamma !== null) {
    const square = sum.reduce((total, value) => total + value * value, 0) / sum.length;
    const [gamma, beta] = [arrays[level.gamma], level.beta === null ? null : arrays[level.beta]];
    sum.forEach((value, i) => (sum[i] = (value / Math.sqrt(square + NORM_EPS)) * gamma[i] + (beta ? beta[i] : 0)));
  }
  const kind = ACTIVATIONS.indexOf(activation);
  const found = Float64Array.from({ length: hidden }, (_, i) => activated(kind, sum[i], gated ? sum[hidden + i] : 0));
  if (level.residual) addTo(found, children[children.length - 1]);
  return found;
}

function addTo(sum, numbers) {
  for (let i = 0; i < sum.length; i++) sum[i] += numbers[i];
}

/** sum += x @ matrix, whose rows are as long as sum. */
function addProduct(sum, x, matrix) {
  for (let c = 0; c < x.length; c++) {
    for (let i = 0, at = c * sum.length; i < sum.length; i++, at++) sum[i] += x[c] * matrix[at];
  }
}

/**
 * What a label shifts: the sum of what the values of each kind do; null where labels shift nothing.
 * @param {object} header of the model
 * @param {(Float32Array | Uint8Array)[]} arrays
 * @param {number | null} number of the array with the shifts, a row for each value of each kind
 * @param {number} label its number, through all combinations, the last kind fastest
 * @returns {Float32Array | null}
 */
export function shiftOf(header, arrays, number, label) {
  if (number === null) return null;
  const sizes = header.labels.kinds.map(({ values }) => values.length);
  const width = arrays[number].length / sizes.reduce((total, size) => total + size, 0);
  const found = new Float32Array(width);
  let [rest, start] = [label, arrays[number].length / width];
  for (const size of [...sizes].reverse()) {
    start -= size;
    const at = (start + (rest % size)) * width;
    for (let w = 0; w < width; w++) found[w] += arrays[number][at + w];
    rest = Math.floor(rest / size);
  }
  return found;
}
