/** Where the nodes of a tree stand: a column a character of the context, a row a level. */

/** @typedef {{ids?: number[], characters: string[], values: Float32Array, shared: number, end?: number, children?: number[]}} Node */
/** @typedef {{shape: number[], nodes: Node[]}} Level */
/** @typedef {{x: number, left: number, right: number}} Place of a node, in columns */

/**
 * The places of all nodes: a leaf at its character, any other node over the middle of its children.
 * @param {Level[]} levels from the embedding up
 * @returns {Place[][]}
 */
export function treePlaces(levels) {
  /** @type {Place[][]} */
  const places = [];
  levels.forEach((level, l) => {
    places.push(
      level.nodes.map((node, i) => {
        if (l === 0) return { x: i + 0.5, left: i, right: i + 1 };
        const children = childrenOf(levels, l, i).map((child) => places[l - 1][child]);
        const left = Math.min(...children.map((child) => child.left));
        const right = Math.max(...children.map((child) => child.right));
        return { x: children.reduce((sum, child) => sum + child.x, 0) / children.length, left, right };
      }),
    );
  });
  return places;
}

/** The children of a node: those that it names, else an even part of the level below. @param {Level[]} levels @param {number} l @param {number} i */
export function childrenOf(levels, l, i) {
  const node = levels[l].nodes[i];
  if (node.children) return node.children;
  const group = Math.max(1, Math.floor(levels[l - 1].nodes.length / levels[l].nodes.length));
  return Array.from({ length: group }, (_, j) => i * group + j);
}

/** @param {Level[]} levels @param {number} l @returns {number} how many nodes of the level below one of this level joins */
export function groupOf(levels, l) {
  return l === 0 ? 1 : childrenOf(levels, l, 0).length;
}

/**
 * The shapes as the lecture notes write them: (B, T, C), one context a batch.
 * @param {Level[]} levels
 * @param {number} characters in the vocabulary
 * @returns {{step: string, shape: string, meaning: string}[]}
 */
export function shapesOf(levels, characters) {
  const rows = [];
  let [steps, channels] = [levels[0].nodes.length, levels[0].nodes[0].values.length];
  const written = (t, c) => (t > 1 ? `(1, ${t}, ${c})` : `(1, ${c})`);
  rows.push({ step: "Embedding", shape: `(1, ${steps}, ${channels})`, meaning: `${steps} characters, ${channels} numbers each` });
  for (let l = 1; l < levels.length; l++) {
    const group = groupOf(levels, l);
    const next = levels[l].nodes.length;
    rows.push({
      step: `Flatten ${group}`,
      shape: written(next, group * channels),
      meaning: next * group === steps ? `${group} neighbours side by side` : `${group} nodes side by side; levels overlap, so only those that are needed`,
    });
    [steps, channels] = [next, levels[l].nodes[0].values.length];
    rows.push({ step: `Level ${l}`, shape: written(steps, channels), meaning: steps > 1 ? `${steps} nodes of ${channels} numbers` : `one node of ${channels} numbers: the whole context` });
  }
  rows.push({ step: "Output", shape: `(1, ${characters})`, meaning: `one number for each of ${characters - 1} characters and the end` });
  return rows;
}

/**
 * The chunk of a node in characters; "" is the padding before the string.
 * @param {Node} node
 * @returns {string}
 */
export function chunkText(node) {
  return node.characters.map((character) => (isPadding(character) ? "·" : character)).join("");
}

/** @param {string} character @returns {boolean} */
export function isPadding(character) {
  return character === "" || character === "start" || character === "end";
}
